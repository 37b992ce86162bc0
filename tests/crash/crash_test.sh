#!/bin/sh
# Nine kills of five roles in one small campaign; `make test-crash` goes through all points, one a run.
exec sh tests/crash/crash.sh short
