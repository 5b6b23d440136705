# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# part-timers.sh - check, backup and retention, as services and by timers.

timers()
{
	:
}
tools()
{
	:
}
