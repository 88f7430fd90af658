"""Does an instance have what its module tables ask for? Checked with the tables of the standard that highdicom carries.

Every attribute of type 1 of a mandatory module must be there with a value, every attribute of type 2 must be there, and every
attribute at the root must belong to some module of the IOD.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["table_errors"]


def table_errors(path: Path) -> list[str]:
    """What is wrong, one line each."""
    import pydicom
    from highdicom._standard_utils import get_iod_module_map, get_module_attribute_map, get_sop_class_iod_map

    dataset = pydicom.dcmread(path)
    modules = get_iod_module_map()[get_sop_class_iod_map()[dataset.SOPClassUID]]
    attributes = get_module_attribute_map()
    errors, known = [], set()
    for module in modules:
        for entry in attributes[module["key"]]:
            if entry["path"]:
                continue
            known.add(entry["keyword"])
            if module["usage"] != "M" or entry["type"] not in ("1", "2"):
                continue
            if entry["keyword"] not in dataset:
                errors.append(f"{entry['keyword']} (type {entry['type']}, {module['key']}) is missing")
            elif entry["type"] == "1" and dataset[entry["keyword"]].is_empty:
                errors.append(f"{entry['keyword']} (type 1, {module['key']}) is empty")
    return errors + [f"{e.keyword} belongs to no module" for e in dataset if e.keyword and e.keyword not in known]
