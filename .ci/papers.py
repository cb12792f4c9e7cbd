#!/usr/bin/env python3
"""Writes what a release says of its parts: a CycloneDX 1.5 list of all crates and models, and every licence text.

    papers.py OUT_DIR EPOCH

OUT_DIR/sbom.cdx.json and OUT_DIR/licenses/. The same sources give the same bytes. Crates that pack no licence text are listed.
"""
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import time
import tomllib

TARGET = "x86_64-unknown-linux-gnu"
NAMES = ("licen", "copying", "notice", "unlicense", "copyright")

out, epoch = pathlib.Path(sys.argv[1]), int(sys.argv[2])
root = pathlib.Path(__file__).resolve().parent.parent
metadata = json.loads(subprocess.check_output(
    ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", TARGET], cwd=root))
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
own = metadata["resolve"]["root"]

texts_of = lambda name: (root / "models" / name).read_text()
# The texts of the two licences themselves, without anybody's copyright line.
STANDARD = {"Apache-2.0": lambda: texts_of("LICENSE-Apache-2.0.txt"),
            "MIT": lambda: "Permission is hereby" + texts_of("LICENSE-MIT-yunet.txt").split("Permission is hereby", 1)[1]}


def shipped():
    """Ids of what is linked in: normal dependencies, however deep."""
    seen, todo = set(), [own]
    while todo:
        for dependency in nodes[todo.pop()]["deps"]:
            kinds = {kind["kind"] for kind in dependency["dep_kinds"]}
            if None in kinds and dependency["pkg"] not in seen:
                seen.add(dependency["pkg"])
                todo.append(dependency["pkg"])
    return sorted(seen, key=lambda id: (packages[id]["name"], packages[id]["version"]))


checksums = {(p["name"], p["version"]): p.get("checksum")
             for p in tomllib.loads((root / "Cargo.lock").read_text())["package"]}
ids = shipped()
licenses = out / "licenses"
shutil.rmtree(licenses, ignore_errors=True)
components, without = [], []
for id in ids:
    package = packages[id]
    name, version = package["name"], package["version"]
    purl = f"pkg:cargo/{name}@{version}"
    component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
                 "licenses": [{"expression": (package["license"] or "NOASSERTION").replace("/", " OR ")}]}
    if checksums.get((name, version)):
        component["hashes"] = [{"alg": "SHA-256", "content": checksums[(name, version)]}]
    if package["repository"]:
        component["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    components.append(component)
    folder = pathlib.Path(package["manifest_path"]).parent
    texts = sorted(f for f in folder.iterdir() if f.is_file() and f.name.lower().startswith(NAMES))
    target = licenses / "crates" / f"{name}-{version}"
    target.mkdir(parents=True)
    for text in texts:
        shutil.copyfile(text, target / text.name)
    if not texts:
        without.append(f"{name} {version} ({package['license']})")
        which = "MIT" if "MIT" in package["license"] else "Apache-2.0"
        (target / "LICENSE").write_text(
            f"{name} {version} names its licence and packs no text of it: {package['license']}\n"
            f"Authors: {', '.join(package['authors']) or 'not named'}\nSource: {package['repository'] or 'crates.io'}\n\n"
            f"The text of {which}:\n\n{STANDARD[which]()}")

models = tomllib.loads((root / "models/manifest.toml").read_text())["models"]
for model in models:
    components.append({"type": "machine-learning-model", "bom-ref": f"model:{model['name']}", "name": model["name"],
                       "hashes": [{"alg": "SHA-256", "content": model["sha256"]}],
                       "licenses": [{"expression": model["licence"]}],
                       "properties": [{"name": "file", "value": model["file"]}, {"name": "input", "value": model["input"]}]})
(licenses / "models").mkdir(parents=True)
for text in sorted({model["licence_file"] for model in models}):
    shutil.copyfile(root / "models" / text, licenses / "models" / text)
shutil.copyfile(root / "models/README.md", licenses / "models/README.md")
shutil.copyfile(root / "models/LICENSE-Apache-2.0.txt", licenses / "twoface-LICENSE-Apache-2.0.txt")

ref = {id: f"pkg:cargo/{packages[id]['name']}@{packages[id]['version']}" for id in ids + [own]}
depends = [{"ref": ref[id], "dependsOn": sorted({ref[d["pkg"]] for d in nodes[id]["deps"]
                                                 if d["pkg"] in ref and None in {k["kind"] for k in d["dep_kinds"]}})}
           for id in [own] + ids]
bom = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
       "metadata": {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch)),
                    "component": {"type": "application", "bom-ref": ref[own], "name": "twoface",
                                  "version": packages[own]["version"], "purl": ref[own],
                                  "licenses": [{"expression": packages[own]["license"]}]}},
       "components": components, "dependencies": depends}
digest = hashlib.sha256(json.dumps(bom, sort_keys=True).encode()).hexdigest()
bom["serialNumber"] = f"urn:uuid:{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
(out / "sbom.cdx.json").write_text(json.dumps(bom, indent=1, sort_keys=True) + "\n")
print(f"{len(ids)} crates and {len(models)} models; {len(without)} crates name a licence without its text")
for crate in without:
    print(f"  no text: {crate}")
