"""The chat of the Channels tutorial: a room, a group, a broadcast. With BENCH_SAVES=1 each message is saved
first."""
