"""The fault suite: breaks each part under load, heals it, and counts what was lost (`make faults`).

docs/fault-suite.md tells how to run it and how to read a report.

    history, checker   pure: what clients observed, and its comparison with what is stored in the end
    changes            pure: edits, deletions and reactions that were asked for, and what must be stored
    room_view, client  a device that behaves as our browser does
    crowd              240 devices that write
    audit              reads everything afterwards
    proxy, rigs        the set-ups S and P, with a method for each thing that can break
    settings, hooks    faults inside the server processes
    world              what a row gets: rig, crowd, history, random numbers; runs rows and judges them
    rows/              the faults of docs/threats.md, one module for each family
    random_faults      random faults from a seed
    report, __main__   the command and its report

A new row is a function in a module of `rows`; a new module is listed in `rows.MODULES`:

    @row("F99", rigs="SP", fault="the cat on the keyboard", expected="back ≤ 10 s")
    async def cat(world: World) -> Figures:
        figures = Figures()
        for _ in range(world.times(20)):               # 20 at full pace, fewer in a short run
            began = time.monotonic()
            await world.rig.kill_server(0)             # all methods are in rigs.py; rig.heal() undoes each
            await asyncio.sleep(world.lasting(10))     # 10 s at full pace
            await world.rig.start_server(0)
            await world.back(figures, began, goal=10)  # figures are measured, never asserted
        return figures

It runs while the crowd writes (`world.crowd.is_writing`, `rate` messages a second) and need not check
anything itself: afterwards the world heals the rig, waits until all devices are idle, reads everything, and
counts the zero columns. A row that sends over sockets of its own records it in `world.history` (`invoked`,
`accepted`, `refused`), or the checker reports a phantom; an extra Device records by itself:
`world.crowd.add_device(...)` and `crowd.start(device.live())`. A row that restores a backup calls
`history.restored()` and `audit.logs.clear()`. Faults inside a server go into `hooks` and are switched by
`rig.set_hook(name, setting)`. Times are figures with goals; only the zero columns fail.
"""
