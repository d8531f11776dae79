# Tries: to be reached from outside, and to listen on every address.
# Ends: nobody comes.
# answer: double append
import socket

listener = socket.create_server(("0.0.0.0", int("@INWARD@")))
listener.settimeout(1.0)
try:
    listener.accept()
    print("LOOT a visitor")
except OSError:
    pass
print("TRIED")
