# SPDX-License-Identifier: ISC
# scale.gp - what a read costs the engine as the store grows.
#
#	gnuplot -e "data='scale.dat'; out='scale.svg'" scale.gp
set terminal svg size 760,440 background rgb "white"
set output out
set logscale xy
set xlabel "artifacts in the store"
set ylabel "microseconds of engine time (median)"
set key left top
set grid
plot data using 1:5 with linespoints title "get, ids at random", \
     data using 1:6 with linespoints title "page of 50", \
     data using 1:8 with linespoints title "page of a workflow", \
     data using 1:10 with linespoints title "page of two filters", \
     data using 1:11 with linespoints title "page, 1 of 1000 matches", \
     data using 1:13 with linespoints title "page of two that never meet"
