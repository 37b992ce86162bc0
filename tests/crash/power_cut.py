#!/usr/bin/env python3
"""power_cut.py FOLDER: the file system under FOLDER stops as if its machine lost power; what was not flushed is gone."""
import fcntl, os, struct, sys

EXT4_IOC_SHUTDOWN = 0x8004587D
EXT4_GOING_FLAGS_NOLOGFLUSH = 2

folder = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", EXT4_GOING_FLAGS_NOLOGFLUSH))
