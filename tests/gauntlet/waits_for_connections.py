# Tries: to be reached from outside, and to listen on every address.
# Ends: nobody comes.
# answer: double append
import socket

try:
    listener = socket.create_server(("0.0.0.0", int("@INWARD@")))
    listener.settimeout(1.0)
    listener.accept()
    print("LOOT a visitor")
except OSError:
    pass
print("TRIED")
