"""Builds the simulation with one wrong rule at a time: each must be noticed. A rule that is not found any more fails, too.

usage: mutants.py BUILD [NAME...]
"""
import os, re, subprocess, sys, time

SECONDS = 120
OPERATIONS = "400000"


def read(path):
    for line in open(path):
        line = line.rstrip("\n")
        if line and not line.startswith("#"):
            name, file, text, instead, who = (part.strip().replace("\\|", "|") for part in re.split(r"(?<!\\)\|", line))
            yield name, file, text, instead, who


def change(source, text, instead):
    """The text must stand there once; `A!B` stands for A directly followed by B, whatever blanks are between."""
    pattern = r"\s*".join(re.escape(part) for part in text.split("!")) if "!" in text and "\n" not in text and text not in source else re.escape(text)
    found = re.findall(pattern, source)
    return re.sub(pattern, lambda _: instead, source) if len(found) == 1 else None


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options)


def commands(build, target):
    """What make would run to link the target, as words."""
    lines = run(["make", "-n", "-B", "--no-print-directory", f"BUILD={build}", f"{build}/tests/{target}"]).stdout.splitlines()
    return [line for line in lines if line.startswith(f'echo "  LD {build}/tests/{target}"') or f"-o {build}/tests/{target} " in line][-1]


def compiler(build, file):
    lines = run(["make", "-n", "-B", "--no-print-directory", f"BUILD={build}", f"{build}/obj/{file[:-2]}.o"]).stdout.splitlines()
    return [line for line in lines if f"-c {file} -o" in line][-1].split(";", 1)[-1]


def judge(build, mutant):
    name, file, text, instead, who = mutant
    folder = f"{build}/mutants/{name}"
    os.makedirs(folder, exist_ok=True)
    changed = change(open(file).read(), text, instead)
    if changed is None:
        return False, f"{file} does not hold its text once"
    source, thing = f"{folder}/{os.path.basename(file)}", f"{folder}/mutant.o"
    open(source, "w").write(changed)
    built = run(compiler(build, file).replace(f"-c {file} -o {build}/obj/{file[:-2]}.o", f"-Wno-error -c {source} -o {thing}"), shell=True)
    if built.returncode:
        return False, "does not compile: " + built.stdout.splitlines()[-1]
    target = "sim" if who == "sim" else who + "_test"
    program = f"{folder}/{target}"
    link = commands(build, target)
    link = re.sub(r'^.*?; (?=\S*gcc|\S*cc)', "", link).replace(f"-o {build}/tests/{target} ", f"-o {program} {thing} ") + " -Wl,--allow-multiple-definition"
    linked = run(link, shell=True)
    if linked.returncode:
        return False, "does not link: " + linked.stdout.splitlines()[-1]
    order = [program, "--total", OPERATIONS, "--seed", "1", "--quick"] if who == "sim" else [program]
    try:
        ended = run(order, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return True, f"{who}: never ends"
    os.remove(program)
    if ended.returncode == 0:
        return False, f"{who} notices nothing"
    told = [line for line in ended.stdout.splitlines() if re.match(r"oracle |FAIL|.*assert", line)]
    return True, f"{who}: {(told or ['it dies'])[0][:110]}"


def main():
    build, names = sys.argv[1], sys.argv[2:]
    started, alive, count = time.time(), 0, 0
    for mutant in read("tests/sim/mutants.txt"):
        if names and mutant[0] not in names:
            continue
        killed, told = judge(build, mutant)
        count += 1
        alive += not killed
        print(f"{'killed' if killed else 'ALIVE '} {mutant[0]:32} {told}", flush=True)
    print(f"{count - alive} of {count} wrong rules were noticed, in {time.time() - started:.0f} s")
    return alive > 0


sys.exit(main())
