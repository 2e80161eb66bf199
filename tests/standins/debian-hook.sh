#!/bin/sh
# Run by mmdebstrap when all packages are installed; $1 is the new root. Gives it the shape of an official image.
set -eu
new_root=$1

# The settings of the official Debian images: apt keeps no archives and no binary caches.
cat >"$new_root/etc/apt/apt.conf.d/docker-clean" <<'SETTINGS'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Apt::AutoRemove::SuggestsImportant "false";
SETTINGS
echo force-unsafe-io >"$new_root/etc/dpkg/dpkg.cfg.d/docker-apt-speedup"

if [ "$TONNAGE_KIND" = slim ]; then
    {
        for what in doc info linda lintian/overrides locale man groff; do
            echo "path-exclude /usr/share/$what/*"
        done
        echo 'path-include /usr/share/doc/*/copyright'
        echo 'path-include /usr/share/locale/locale.alias'
    } >"$new_root/etc/dpkg/dpkg.cfg.d/docker"
    share=$new_root/usr/share
    # dpkg could have left these out from the start, but its filter takes longer than removing them
    rm -rf "$share"/info/* "$share"/linda/* "$share"/lintian/overrides/* "$share"/man/* "$share"/groff/*
    find "$share/doc" ! -type d ! -name copyright -delete
    find "$share/doc" -type d -empty -delete
    find "$share/locale" -mindepth 1 ! -name locale.alias -delete
fi

# Where the official images have their Python.
ln -s /usr/bin/python3 "$new_root/usr/local/bin/python"
ln -s /usr/bin/python3 "$new_root/usr/local/bin/python3"
ln -s /usr/bin/pydoc3 "$new_root/usr/local/bin/pydoc"

# The official images let pip install into the system.
rm -f "$new_root"/usr/lib/python3*/EXTERNALLY-MANAGED

# What differs from run to run: byte code (the official images have none either), font caches, logs, lists.
find "$new_root/usr" "$new_root/etc" "$new_root/var" -name '*.pyc' -delete
find "$new_root/usr" "$new_root/etc" "$new_root/var" -type d -name __pycache__ -empty -delete
rm -rf "$new_root"/var/cache/fontconfig/* "$new_root"/var/lib/apt/lists/* "$new_root"/var/log/apt/*
find "$new_root/usr" -path '*fonts*' -name .uuid -delete
rm -f "$new_root"/var/cache/apt/*.bin "$new_root"/var/log/*.log "$new_root/etc/resolv.conf" "$new_root/etc/hostname"
# cached with the time and inode of each library
rm -f "$new_root/var/cache/ldconfig/aux-cache"
