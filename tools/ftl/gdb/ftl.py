"""Commands for gdb that know FTL's kernel: `ftl ps`, `ftl backtrace`, `ftl handles NAME`, `ftl queues`, `ftl log`,
`ftl symbols`.

`./ftl debug` starts gdb with this file, on a machine that runs or on a dump, and `./ftl dump` has it print. It reads the kernel's own structures by the types in its debugging
information. FTL_IMAGES names the list that the
build has made of the unstripped images.
"""

import contextlib
import functools
import json
import os

import gdb

# Whether somebody adds functions and lines to backtraces.
ANNOTATED = "FTL_ANNOTATED" in os.environ
FRAME_LEN = 4096
# See kernel/src/memory/slab.rs.
CHUNK_LEN = FRAME_LEN << 2
CHUNKS_PER_FRAME = FRAME_LEN // 8
GENERATION_BITS = 28
# See kernel/src/object/handle.rs.
STORED_LEN = 16
KINDS = [
    "free",
    "system",
    "channel",
    "queue",
    "folio",
    "process",
    "thread",
    "timer",
    "doorbell",
    "interrupt",
    "device",
]
# See abi/src/handle.rs.
RIGHTS = ["read", "write", "execute", "wait", "transfer", "duplicate", "manage"]
# What is said of a kernel that has no memory, log and components yet.
NOT_SET_UP = "the kernel had not set up its memory yet: there are no components, and the log is not kept"
STATES = ["new", "ready", "running", "waits for events", "waits for a reply", "dead"]


def raw(value, size=8, offset=0):
    """The bytes of a value as a number: for types whose niches gdb does not show."""
    memory = gdb.selected_inferior().read_memory(int(value.address) + offset, size)
    return int.from_bytes(bytes(memory), "little")


def is_dump():
    """Whether this is what is left of a machine."""
    connection = gdb.selected_inferior().connection
    return connection is not None and connection.type == "core"


@contextlib.contextmanager
def privileged():
    """QEMU shows memory as the CPU sees it, and one in user mode does not see the kernel's: meanwhile it does."""
    frame = gdb.newest_frame()
    names = {register.name for register in frame.architecture().registers()}
    if is_dump():
        # All that was seen is there.
        yield
        return
    if "priv" in names:
        register, mask, kernel_mode = "priv", 3, 1
    else:
        # Arm's exception level and choice of stack pointer.
        register, mask, kernel_mode = "cpsr", 0xF, 5
    before = int(frame.read_register(register))
    changed = before & mask == 0
    if changed:
        gdb.execute(f"set ${register} = {before | kernel_mode}", to_string=True)
    try:
        yield
    finally:
        if changed:
            gdb.execute(f"set ${register} = {before}", to_string=True)


def in_kernel(function):
    """A function that reads the kernel's memory."""

    @functools.wraps(function)
    def wrapped(*arguments):
        try:
            selected = gdb.selected_frame()
        except gdb.error:
            raise gdb.GdbError("no machine is there any more")
        gdb.newest_frame().select()
        try:
            with privileged():
                return function(*arguments)
        finally:
            if selected.is_valid():
                selected.select()

    return wrapped


def kernel():
    """The kernel's state."""
    for arch in ["riscv64", "arm64"]:
        try:
            lock = gdb.parse_and_eval(f"kernel::arch::{arch}::KERNEL")
        except gdb.error:
            continue
        pointer = gdb.lookup_type("kernel::kernel::Kernel").pointer()
        return lock["value"].address.cast(pointer).dereference()
    raise gdb.GdbError("the kernel's symbols are not loaded: was gdb started by `./ftl debug`?")


def is_set_up(everything):
    """Whether the kernel's state is there: before that its place is all zeros, and slabs are empty."""
    return int(everything["log"]["ring"]["data"]) != 0


def must_be_set_up(everything):
    """For what is asked about one of many."""
    if not is_set_up(everything):
        raise gdb.GdbError(NOT_SET_UP)


def objects(slab):
    """The living objects of a slab: their ids as numbers, and themselves."""
    slot_type = slab["chunks"].type.target().target().target()
    value_type = slab.type.template_argument(0)
    per_chunk = CHUNK_LEN // slot_type.sizeof
    for number in range(int(slab["chunk_count"])):
        table = slab["chunks"][number // CHUNKS_PER_FRAME]
        chunk = (table + number % CHUNKS_PER_FRAME).dereference()
        for place in range(per_chunk):
            slot = (chunk + place).dereference()
            word = int(slot["word"])
            # An even generation is a free slot.
            if word & 1:
                address = slot["value"].address.cast(value_type.pointer())
                yield word, address.dereference()


def by_id(slab):
    return dict(objects(slab))


def name_of(process):
    memory = gdb.selected_inferior().read_memory(int(process["name"].address), 32)
    return bytes(memory).split(b"\0")[0].decode(errors="replace")


def state_of(thread):
    """What a thread does, by the name of the variant."""
    text = str(thread["state"])
    for word, meaning in [
        ("Waiting", STATES[3]),
        ("Calling", STATES[4]),
        ("Running", STATES[2]),
        ("Ready", STATES[1]),
        ("New", STATES[0]),
        ("Dead", STATES[5]),
    ]:
        if word in text:
            return meaning
    return text


def short(identity):
    """An id, short enough to read: the slot's distance over 16, then the generation."""
    generation = identity & ((1 << GENERATION_BITS) - 1)
    return f"{identity >> GENERATION_BITS >> 4:x}.{generation}"


def threads_of(everything, process):
    """A process's threads."""
    threads = by_id(everything["threads"])
    identity = raw(process["threads"])
    while identity in threads:
        yield identity, threads[identity]
        identity = raw(threads[identity]["sibling"])


def handles_of(process):
    """A process's handles: number, kind, id, rights."""
    table = process["handles"]
    per_frame = FRAME_LEN // STORED_LEN
    inferior = gdb.selected_inferior()
    for number in range(int(table["capacity"])):
        frame = int(table["frames"][number // per_frame])
        place = bytes(inferior.read_memory(frame + number % per_frame * STORED_LEN, STORED_LEN))
        kind = place[6]
        if 0 < kind < len(KINDS):
            handle = int.from_bytes(place[0:4], "little")
            rights = int.from_bytes(place[4:6], "little")
            uses = place[7]
            identity = int.from_bytes(place[8:16], "little")
            yield handle, KINDS[kind], identity, rights, uses


def images():
    """Unstripped images by the names of components."""
    path = os.environ.get("FTL_IMAGES")
    if not path:
        return {}
    with open(path) as file:
        contents = json.load(file)
    listed = contents["unstripped"]
    for name, image in contents.get("names", {}).items():
        listed[name] = listed[image]
    # In a dump they lie beside the list.
    return {name: os.path.join(os.path.dirname(path), file) for name, file in listed.items()}


class Machine:
    """What differs between CPUs: registers, frames, page tables."""

    def __init__(self):
        names = {register.name for register in gdb.newest_frame().architecture().registers()}
        self.is_arm = "x29" in names
        self.frame_pointer, self.link = ("x29", "x30") if self.is_arm else ("fp", "ra")
        # See kernel/src/arch/*/layout.rs.
        self.direct_map = 0xFFFF_0000_0000_0000 if self.is_arm else 0xFFFF_FFC0_0000_0000
        self.upper_half = 1 << 63

    def context(self, thread):
        """Where a thread goes on, its frame pointer, and where its last call came from."""
        context = thread["context"]
        x = context["x"]
        frame, link = (x[29], x[30]) if self.is_arm else (x[7], x[0])
        return int(context["pc"]), int(frame), int(link)

    def cpu(self, everything, number):
        """The kernel's number of a CPU: on RISC-V it counts from the hart that was started first."""
        if not self.is_arm:
            harts = everything["memory"]["machine"]["harts"]
            for cpu in range(*harts.type.range()):
                if int(harts[cpu]) == number:
                    return cpu
        return number

    def links(self, frame):
        """Where a frame has its return address and its caller's frame pointer."""
        return (frame + 8, frame) if self.is_arm else (frame - 8, frame - 16)

    def word(self, address, table=None):
        """A word of memory: as a CPU sees it or, in the lower half, as an address space has it."""
        if address % 8:
            raise gdb.MemoryError("not a word")
        if table is not None and address < self.upper_half:
            address = self.direct_map + self.walk(table, address)
        memory = gdb.selected_inferior().read_memory(address, 8)
        return int.from_bytes(bytes(memory), "little")

    def walk(self, table, address):
        """Where an address leads by page tables."""
        for level in range(3 if self.is_arm else 2, -1, -1):
            shift = 12 + 9 * level
            entry = self.word(self.direct_map + table + (address >> shift & 511) * 8)
            if not entry & 1:
                break
            if self.is_arm:
                target, is_leaf = entry & 0xFFFF_FFFF_F000, level == 0 or entry & 2 == 0
            else:
                target, is_leaf = (entry >> 10 & (1 << 44) - 1) << 12, entry & 0xE != 0
            if is_leaf:
                return target + address % (1 << shift)
            table = target
        raise gdb.MemoryError("nothing is there")

    def chain(self, places, frame, table=None):
        """Addresses of code: those that are known, and then by the chain of frame pointers."""
        yield from places
        for _ in range(40):
            link, back = self.links(frame)
            try:
                place, following = self.word(link, table), self.word(back, table)
            except (gdb.MemoryError, gdb.error):
                return
            if place == 0 or following <= frame:
                return
            yield place
            frame = following


def is_kernel_code(place):
    """Whether an address is in the kernel's image."""
    return place >= 0xFFFF_FFFF_8000_0000


def describe(place, process):
    """An address as backtraces in the log have it."""
    if process is not None:
        base, length = int(process["load"]["base"]), int(process["load"]["len"])
        if base <= place < base + length:
            return f"  at {name_of(process)}+{place - base:#x}"
    return f"  at {place:#x}"


def source_of(place):
    """The function and the line at an address, if gdb knows them. `./ftl dump` looks them up by itself."""
    found = gdb.find_pc_line(place)
    block = gdb.block_for_pc(place)
    while block is not None and block.function is None:
        block = block.superblock
    if not found.symtab or block is None:
        return ""
    return f"  {found.symtab.filename}:{found.line} in {block.function.name}"


class Backtrace(gdb.Command):
    """Shows where each CPU is, or where each thread of components is: `ftl backtrace [NAME | all]`."""

    def __init__(self):
        super().__init__("ftl backtrace", gdb.COMMAND_DATA)

    @in_kernel
    def invoke(self, argument, from_tty):
        everything = kernel()
        machine = Machine()
        if not argument:
            self.cpus(everything, machine)
            return
        must_be_set_up(everything)
        found = [
            process
            for _, process in objects(everything["processes"])
            if argument in ["all", name_of(process)]
        ]
        if not found:
            raise gdb.GdbError(f"there is no component `{argument}`")
        for process in found:
            space = by_id(everything["spaces"])[raw(process["space"])]
            table = int(space["table"]["root"]["__0"])
            crash = everything["last_crash"]
            for number, (identity, thread) in enumerate(threads_of(everything, process)):
                crashed = identity == raw(crash["thread"])
                print(f"{name_of(process)}, thread {number}: {'crashed' if crashed else state_of(thread)}")
                pc, frame, link = machine.context(thread)
                places = [pc]
                if crashed:
                    places, frame = [int(crash["pc"])], int(crash["frame"])
                elif "Gate" in str(thread["context"]["left"]):
                    # A system call leaves through the gate: who called it is in a register.
                    places.append(link)
                self.show(machine.chain(places, frame, table), process)

    def cpus(self, everything, machine):
        selected = gdb.selected_thread()
        processes = by_id(everything["processes"])
        threads = by_id(everything["threads"])
        try:
            # The selected one first: in a dump, where something crashed.
            for thread in sorted(gdb.selected_inferior().threads(), key=lambda one: (one != selected, one.num)):
                thread.switch()
                frame = gdb.newest_frame()
                pc = int(frame.read_register("pc"))
                cpu = machine.cpu(everything, thread.num - 1)
                current = everything["cpus"][cpu]["current"]
                runs = threads.get(raw(current))
                process = processes.get(raw(runs["process"])) if runs is not None else None
                where = f"in {name_of(process)}" if process is not None else "idle"
                if not is_set_up(everything):
                    where = "booting" if is_kernel_code(pc & (1 << 64) - 1) else "not started"
                print(f"CPU {cpu}, {where}:")
                places = [pc]
                link = int(frame.read_register(machine.link)) & (1 << 64) - 1
                if is_kernel_code(pc & (1 << 64) - 1) and "crash" in str(frame.name()) or "panicked" in str(frame.name()):
                    places.append(link)
                pointer = int(frame.read_register(machine.frame_pointer)) & (1 << 64) - 1
                self.show(machine.chain([place & (1 << 64) - 1 for place in places], pointer), process)
        finally:
            selected.switch()

    @staticmethod
    def show(places, process):
        last = None
        for number, place in enumerate(places):
            if place != last:
                # A return address may be the next function's, behind a call that never returns: the log has calls, too.
                at = place if number == 0 else place - 1
                print(describe(at, process) + ("" if ANNOTATED else source_of(at)))
            last = place


class Ftl(gdb.Command):
    """Commands that know FTL's kernel: `ftl ps`, `ftl handles NAME`, `ftl queues`, `ftl log`, `ftl symbols`."""

    def __init__(self):
        super().__init__("ftl", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


class Ps(gdb.Command):
    """Lists components: isolation, state, where their image is, memory, handles, and what their threads do."""

    def __init__(self):
        super().__init__("ftl ps", gdb.COMMAND_DATA)

    @in_kernel
    def invoke(self, argument, from_tty):
        everything = kernel()
        if not is_set_up(everything):
            print(NOT_SET_UP)
            return
        print(f"{'COMPONENT':18}{'ISOLATION':11}{'STATE':10}{'IMAGE':20}{'PAGES':>7}{'HANDLES':>9}  THREADS")
        for _, process in objects(everything["processes"]):
            threads = [
                f"{state_of(thread)} (CPU {int(thread['cpu'])})"
                for _, thread in threads_of(everything, process)
            ]
            print(
                f"{name_of(process):18}"
                f"{str(process['isolation']).rsplit('::')[-1]:11}"
                f"{str(process['state']).rsplit('::')[-1]:10}"
                f"{int(process['load']['base']):#018x}  "
                f"{int(process['memory_pages']):7}"
                f"{int(process['handles']['used']):9}"
                f"  {', '.join(threads)}"
            )


class Handles(gdb.Command):
    """Lists a component's handles: `ftl handles NAME`."""

    def __init__(self):
        super().__init__("ftl handles", gdb.COMMAND_DATA)

    @in_kernel
    def invoke(self, argument, from_tty):
        everything = kernel()
        must_be_set_up(everything)
        found = [process for _, process in objects(everything["processes"]) if name_of(process) == argument]
        if not found:
            known = sorted(name_of(process) for _, process in objects(everything["processes"]))
            raise gdb.GdbError(f"there is no component `{argument}`; there are {', '.join(known)}")
        holders = {}
        for _, process in objects(everything["processes"]):
            for _, kind, identity, _, uses in handles_of(process):
                if kind == "channel":
                    holders[(identity, uses & 1)] = name_of(process)
        for process in found:
            print(f"{'HANDLE':>10}  {'KIND':11}{'OBJECT':16}{'RIGHTS':56}LEADS TO")
            for handle, kind, identity, rights, uses in handles_of(process):
                names = " ".join(word for bit, word in enumerate(RIGHTS) if rights >> bit & 1)
                other = holders.get((identity, 1 - (uses & 1)), "") if kind == "channel" else ""
                print(f"{handle:#10x}  {kind:11}{short(identity) if identity else '':16}{names:56}{other}")


class Queues(gdb.Command):
    """Lists channels in which messages wait, and event queues with what is listed in them and who waits."""

    def __init__(self):
        super().__init__("ftl queues", gdb.COMMAND_DATA)

    @in_kernel
    def invoke(self, argument, from_tty):
        everything = kernel()
        if not is_set_up(everything):
            print(NOT_SET_UP)
            return
        holders, owners = {}, {}
        processes = by_id(everything["processes"])
        for process in processes.values():
            for _, kind, identity, _, uses in handles_of(process):
                if kind == "channel":
                    holders[(identity, uses & 1)] = name_of(process)
                if kind == "queue":
                    owners[identity] = name_of(process)
        print(f"{'CHANNEL':16}{'FROM':18}{'TO':18}{'WAITING':>8}{'OF':>6}")
        for identity, channel in objects(everything["channels"]):
            for side in [0, 1]:
                end = channel["ends"][side]
                if int(end["count"]) or argument == "all":
                    source = holders.get((identity, 1 - side), "-")
                    target = holders.get((identity, side), "-")
                    print(
                        f"{short(identity):16}{source:18}{target:18}"
                        f"{int(end['count']):8}{int(channel['slots']):6}"
                    )
        threads = by_id(everything["threads"])
        print(f"\n{'QUEUE':16}{'OF':18}{'SOURCES':>8}  WAITS")
        for identity, queue in objects(everything["queues"]):
            waiter = threads.get(raw(queue["waiter"]))
            head = raw(queue["head"])
            what = "events are listed" if head else "nobody"
            if waiter is not None:
                what = f"{name_of(processes[raw(waiter['process'])])} waits"
            print(f"{short(identity):16}{owners.get(identity, '-'):18}{int(queue['attached']):8}  {what}")


class Log(gdb.Command):
    """Prints the kernel's log, or its last lines: `ftl log [LINES]`."""

    def __init__(self):
        super().__init__("ftl log", gdb.COMMAND_DATA)

    @in_kernel
    def invoke(self, argument, from_tty):
        everything = kernel()
        if not is_set_up(everything):
            print(NOT_SET_UP)
            return
        ring = everything["log"]["ring"]
        length = 16 * 1024
        written = int(ring["head"]["written"])
        # What a panic of the kernel says goes past the kernel's state.
        kept = gdb.parse_and_eval("kernel::log::kept::HEADER")
        pointer = gdb.lookup_type("kernel::log::kept::Header").pointer()
        if raw(kept):
            header = gdb.Value(raw(kept)).cast(pointer).dereference()
            written = max(written, int(header["heads"][int(header["current"])]["written"]))
        data = bytes(gdb.selected_inferior().read_memory(int(ring["data"]), length))
        start = written % length
        text = data[:written] if written < length else data[start:] + data[:start]
        lines = text.decode(errors="replace").splitlines()
        for line in lines[-int(argument) :] if argument else lines:
            print(line)


class Symbols(gdb.Command):
    """Loads the symbols of every component where it is loaded now. Done at each stop, too."""

    known = {}

    def __init__(self):
        super().__init__("ftl symbols", gdb.COMMAND_FILES)

    @in_kernel
    def invoke(self, argument, from_tty):
        for line in Symbols.refresh():
            print(line)

    @staticmethod
    def refresh():
        paths = images()
        present = {}
        for _, process in objects(kernel()["processes"]):
            name, base = name_of(process), int(process["load"]["base"])
            if base and name in paths:
                present[base] = name
        for base, name in list(Symbols.known.items()):
            if present.get(base) != name:
                gdb.execute(f"remove-symbol-file -a {base:#x}", to_string=True)
                del Symbols.known[base]
        for base, name in present.items():
            if base not in Symbols.known:
                gdb.execute(f"add-symbol-file {paths[name]} -o {base:#x}", to_string=True)
                Symbols.known[base] = name
                yield f"{name} at {base:#x}"


@in_kernel
def refresh():
    """Takes note of components that have come or gone."""
    return list(Symbols.refresh())


def stopped(event):
    """Components come and go while the machine runs; symbols follow."""
    try:
        refresh()
    except (gdb.error, gdb.GdbError, gdb.MemoryError):
        # The kernel is not up yet.
        pass


class Started(gdb.Breakpoint):
    """Knows of each component before its first instruction, so that breakpoints in it hold."""

    def __init__(self):
        super().__init__(
            "kernel::process::component_starts", gdb.BP_HARDWARE_BREAKPOINT, internal=True
        )
        self.silent = True

    def stop(self):
        stopped(None)
        return False


Ftl()
Ps()
Handles()
Queues()
Log()
Symbols()
Backtrace()
if not is_dump():
    Started()
    gdb.events.stop.connect(stopped)
