"""A run that does not reach its end, or that meets a scene which is not as the others are."""


class Stopped(Exception):  # noqa: N818
    """The end of a process, as seen from inside."""


def stop_at(step):
    """What `on_step` calls: it ends the run when this step is reached."""

    def stop(row):
        if row["step"] == step:
            raise Stopped

    return stop


class Altered:
    """Scenes of which one goes through `change` whenever it is read."""

    def __init__(self, scenes, index, change):
        self.scenes, self.index, self.change = scenes, index, change

    def __len__(self):
        return len(self.scenes)

    def __getitem__(self, index):
        scene = self.scenes[index]
        return self.change(scene) if index == self.index else scene
