#!/usr/bin/env bash
# The manual pages have no mistakes that mandoc can see.
. "$(dirname "$0")/lib.sh"
need mandoc

for page in "$top_srcdir"/doc/*.[1-8]; do
    [ -e "$page" ] || skip_all 'there are no manual pages'
    runs 0 "${page##*/}" mandoc -T lint -W warning "$page"
done
done_testing
