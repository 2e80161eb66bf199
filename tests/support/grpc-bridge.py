"""What `buildctl dial-stdio` is to BuildKit, for the one in a Docker Engine: its pipes are a connection to `POST /grpc`.

    grpc-bridge.py SOCKET
"""

import os
import socket
import sys
import threading

engine = socket.socket(socket.AF_UNIX)
engine.connect(sys.argv[1])
engine.sendall(b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
head = b""
while not head.endswith(b"\r\n\r\n"):
    byte = engine.recv(1)
    if not byte or len(head) > 16384:
        sys.exit(f"the engine ended the connection after {head!r}")
    head += byte
if b" 101 " not in head.split(b"\r\n", 1)[0]:
    sys.exit(f"the engine does not speak gRPC: {head!r}")


def upwards():
    while piece := os.read(0, 65536):
        engine.sendall(piece)
    engine.shutdown(socket.SHUT_WR)


threading.Thread(target=upwards, daemon=True).start()
while piece := engine.recv(65536):
    while piece:
        piece = piece[os.write(1, piece) :]
