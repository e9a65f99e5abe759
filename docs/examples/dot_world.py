import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict

IMAGE = "observation.images.top"


class Expert:
    def act(self, truth):  # truth: x, y of the dot, x, y of the goal
        return np.clip(5 * (truth[2:] - truth[:2]), -1, 1).astype(np.float32)


class DotWorld(gymnasium.Env):
    metadata = {"render_fps": 10}
    observation_space = Dict({IMAGE: Box(0, 255, (48, 48, 3), np.uint8),
                              "observation.state": Box(-1, 1, (2,), np.float32)})
    action_space = Box(-1, 1, (2,), np.float32)
    max_steps, task, Expert = 60, "Bring the blue dot to the red square.", Expert

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.places = self.np_random.uniform(-1, 1, 4)
        return self.look(), {"success": False}

    def step(self, action):
        self.places[:2] = np.clip(self.places[:2] + 0.1 * action, -1, 1)
        success = bool(np.linalg.norm(self.places[:2] - self.places[2:]) < 0.12)
        return self.look(), float(success), success, False, {"success": success}

    def look(self):
        image = np.full((48, 48, 3), 255, np.uint8)
        for place, colour in ((self.places[2:], (220, 30, 30)), (self.places[:2], (30, 30, 220))):
            row, column = (22 * (place + 1)).astype(int)
            image[row : row + 4, column : column + 4] = colour
        return {IMAGE: image, "observation.state": self.places[:2].astype(np.float32)}

    def truth(self): return self.places.copy()
    snapshot = truth
    def restore(self, snapshot): self.places = snapshot.copy()
