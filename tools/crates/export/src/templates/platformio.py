# Links the library of the board's core. Written by `elman export`.
import os

Import("env")  # noqa: F821, given by PlatformIO

CORES = {
    "cortex-m0": "m0",
    "cortex-m0plus": "m0",
    "cortex-m1": "m0",
    "cortex-m3": "m3",
    "cortex-m4": "m4",
    "cortex-m7": "m7",
    "cortex-m33": "m33",
    "cortex-m55": "m55",
}


def folder(cpu, flags):
    """Folder of lib/ for a core and the flags of its compiler."""
    core = CORES.get(cpu)
    if core is None:
        raise SystemExit("elman: there is no library for the core %r" % cpu)
    hard = "-mfloat-abi=hard" in flags
    return core + ("-hard" if hard and core not in ("m0", "m3") else "")


def flags_of(env):
    return [str(flag) for name in ("CCFLAGS", "CFLAGS", "LINKFLAGS") for flag in env.get(name, [])]


here = env.Dir(".").srcnode().get_abspath()  # noqa: F821
cpu = env.BoardConfig().get("build.cpu", "")  # noqa: F821
env.Append(  # noqa: F821
    LIBPATH=[os.path.join(here, "lib", folder(cpu, flags_of(env)))],  # noqa: F821
    LIBS=["elman"],
    LINKFLAGS=["-Wl,--gc-sections"],
)
