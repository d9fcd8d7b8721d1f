"""Files from the future, as a clock that was wrong leaves them."""

import os
import time

from redwood.runs.preparing import redate_future


def test_files_from_the_future_are_dated_now_and_others_keep_their_time(tmp_path):
    now = time.time()
    for name, hours in (("old", -5), ("folder/new", 5), ("folder/.hidden", 50)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
        os.utime(path, (now + hours * 3600,) * 2)
    (tmp_path / "nowhere").symlink_to("missing")
    redate_future([tmp_path, tmp_path / "missing"])
    times = {path.name: path.lstat().st_mtime for path in tmp_path.rglob("*")}
    assert abs(times["old"] - (now - 5 * 3600)) < 1
    assert all(abs(times[name] - now) < 10 for name in ("new", ".hidden"))
