"""The fault suite: break every part while people write to each other, heal, and count what was lost (`make faults`, docs/fault-suite.md).

    history, checker   pure: what clients were told, and how it compares with what is stored in the end
    room_view, client  a device that behaves as our browser does; crowd: 240 of them, writing; audit: who reads everything afterwards
    proxy, rigs        the two set-ups S and P, with a handle for everything that can break; rigged, rigging: hooks inside the servers
    world              what a row is given: rig, crowd, history, luck; it runs rows and has them judged
    rows/              the faults of docs/threats.md, a module a family; randomly: random ones
    report, __main__   the command and what it writes

A new row is a function in a module of `rows` (a new module is named in `rows.MODULES`):

    @row("F99", rigs="SP", fault="the cat on the keyboard", expected="back ≤ 10 s")
    async def cat(world: World) -> Figures:
        figures = Figures()
        for _ in range(world.times(20)):                    # 20 at full pace, fewer in a short run
            began = time.monotonic()
            await world.rig.kill_server(0)                  # every handle is in rigs.py; all are undone by rig.heal()
            await asyncio.sleep(world.lasting(10))          # 10 s at full pace
            await world.rig.start_server(0)
            await world.back(figures, began, goal=10)       # figures are measured, never asserted
        return figures

It is called while everybody writes (`world.crowd.is_writing`, `rate` messages a second), and need not check anything itself: after it
the rig is healed, everybody comes to rest, all is read, and the zero columns are counted for it. Whoever sends with sockets of its own
tells `world.history` (`invoked`, `accepted`, `refused`), or the checker calls it a phantom; an extra Device does that by itself:
`world.crowd.seat(...)` and `crowd.start(device.live())`. What restores a backup calls `history.restored()` and `audit.logs.clear()`.
Hooks inside a server go into `rigging`, switched by `rig.set_hook(name, setting)`. Times are figures with goals; only zero columns fail.
"""
