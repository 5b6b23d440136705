#!/bin/bash
# SPDX-License-Identifier: ISC
#
# artifactctl retain: the rules of the configuration, in a dry run and for real,
# and what retain does when a rule cannot be read.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ctl.sh"

start
export ARTIFACT_URL=$URL

# made WORKFLOW TYPE COUNT
made()
{
	for _ in $(seq "$3"); do
		http POST /artifacts -d "{\"workflow_id\":\"$1\",
		    \"artifact_type\":\"$2\",\"title\":\"t\",\"content\":\"12345\"}"
	done
}

# count [QUERY]: how many a list has.
count()
{
	http GET "/artifacts?limit=200&${1-}"
	grep -o '"workflow_id"' "$WORK/body" | wc -l
}

CONFIG=$WORK/artifactd.conf
: >"$CONFIG"
ctl retain
check "no rules: nothing is to go, and that is said" says 0 'retention is empty'
made nightly log 5
made "a b" log 3
made nightly plan 4
cat >"$CONFIG" <<'END'
retention = {
	"-t log --older-than 30d", # none is
	"-w nightly --keep-newest 2",
	'-w "a b" --all-of-it',
}
END
ctl retain
check "a rule that cannot be read is named" says 1 'number 3 of the setting'
check "... and nothing was deleted by the others" equal "$(count)" 12
sed -i 's/--all-of-it/-t log -s s/; s/-t log -s s/-t log/' "$CONFIG"
ctl retain --dry-run --json
check "a dry run exits 5" equal "$CODE" 5
check "... says how much by each rule" equal \
    "$(grep -oE '"would_delete":[0-9]+' "$WORK/out" | paste -sd ' ')" \
    '"would_delete":0 "would_delete":7 "would_delete":3'
check "... and deletes nothing" equal "$(count)" 12
ctl retain --json
check "it ends well" equal "$CODE" 0
check "... says what went" equal \
    "$(grep -oE '"(deleted|size_bytes)":[0-9]+' "$WORK/out" | paste -sd ' ')" \
    '"deleted":0 "size_bytes":0 "deleted":7 "size_bytes":35 "deleted":3 "size_bytes":15'
check "the newest of that workflow are left" equal \
    "$(count workflow_id=nightly)" 2
check "... and nothing else" equal "$(count)" 2
ctl retain --dry-run
check "then nothing is to go" equal "$CODE" 0
echo 'retention = { "" }' >"$CONFIG"
ctl retain
check "an empty rule is refused by the configuration" says 1 'retention'
echo 'retention = { "--keep-newest 0" }' >"$CONFIG"
ctl retain
check "a rule that says nothing is refused" says 1 'number 1'
check "... and deletes nothing" equal "$(count)" 2
echo 'retention = { "--dry-run -t plan" }' >"$CONFIG"
ctl retain
check "nor does a rule bring other options" says 1 'number 1'
echo 'retention = { "-t plan" }' >"$CONFIG"
ARTIFACT_URL=http://127.0.0.1:1 ctl retain
check "a server that is away is said" says 8 '127.0.0.1:1'
finish
