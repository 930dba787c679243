"""A network on loopback: a proxy in front of a server that holds every byte for half a round trip, opens a connection a
round trip late, and lets only so much through in a second. Prints its port.

    far.py PORT ROUND-TRIP-MS MBIT-PER-SECOND      0 Mbit/s: no limit
"""
import asyncio, sys

PORT, HALF, RATE = int(sys.argv[1]), float(sys.argv[2]) / 2000, float(sys.argv[3]) * 125_000
# How far a link may be ahead of its own rate before it stops reading, in seconds: the router's buffer.
AHEAD = 0.1


class Link:
    """One direction of the network, shared by all connections."""

    def __init__(self):
        self.free = 0.0

    def pass_at(self, size):
        """When the last of so many bytes has gone through."""
        self.free = max(self.free, asyncio.get_running_loop().time()) + (size / RATE if RATE else 0)
        return self.free


async def carry(reader, writer, link, opened):
    loop = asyncio.get_running_loop()
    held = asyncio.Queue()

    async def read():
        while data := await reader.read(1 << 16):
            gone = max(link.pass_at(len(data)), opened)
            held.put_nowait((gone + HALF, data))
            ahead = gone - loop.time() - AHEAD
            if ahead > 0:
                await asyncio.sleep(ahead)
        held.put_nowait((loop.time() + HALF, b""))

    async def write():
        while True:
            when, data = await held.get()
            await asyncio.sleep(when - loop.time())
            if not data:
                writer.write_eof()
                return
            writer.write(data)
            await writer.drain()

    await asyncio.gather(read(), write())


async def main():
    there, back = Link(), Link()

    async def connected(reader, writer):
        opened = asyncio.get_running_loop().time() + 2 * HALF
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", PORT)
        try:
            await asyncio.gather(carry(reader, far_writer, there, opened), carry(far_reader, writer, back, opened))
        except (ConnectionError, OSError):
            pass
        finally:
            writer.close()
            far_writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
