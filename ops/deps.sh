#!/bin/sh
# Installs the Debian packages that the given lists name and that are missing; prints them when it may not.
here=$(dirname "$0")
wanted=$(for list in "${@:-packages.txt}"; do sed 's/#.*//' "$here/$list"; done)
# One question for all of them: a second `make run` must not feel it.
have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p')
missing=
for p in $wanted; do
	case "
$have
" in *"
$p
"*) ;; *) missing="$missing $p" ;; esac
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
