#!/usr/bin/env python3
"""A service manager's socket: writes each message that it gets as a line, its parts separated by blanks."""
import array
import os
import socket
import sys

manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
while True:
    text, control, _, _ = manager.recvmsg(4096, socket.CMSG_SPACE(4))
    for _, _, data in control:  # closing it says that all before was read
        for descriptor in array.array("i", data):
            os.close(descriptor)
    if text != b"BARRIER=1":
        print(text.decode().replace("\n", " "), flush=True)
