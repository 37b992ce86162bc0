#!/bin/sh
# Installs the Debian packages of ops/packages.txt that are missing; prints them when it may not.
here=$(dirname "$0")
missing=
for p in $(sed 's/#.*//' "$here/packages.txt"); do
	dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then sudo=
elif command -v sudo >/dev/null 2>&1; then sudo=sudo
else
	echo "These Debian packages are missing and this user may not install them. As root, run:" >&2
	echo "  apt-get update && apt-get install --no-install-recommends$missing" >&2
	exit 1
fi
echo "Installing Debian packages:$missing"
$sudo env DEBIAN_FRONTEND=noninteractive sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends$missing" >&2
