"""What a person wears: one cloth for each kind of part, the same for left and right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchbox.datasets.synthetic.draw import PATTERNS, Cloth
from benchbox.datasets.synthetic.head import Colour, HeadLook

SKINS: tuple[Colour, ...] = (
    (175, 200, 235),
    (150, 182, 225),
    (120, 155, 205),
    (90, 125, 180),
    (60, 88, 135),
    (45, 62, 95),
)
HAIRS: tuple[Colour, ...] = ((25, 25, 30), (35, 45, 65), (45, 70, 110), (90, 150, 200), (60, 80, 150), (150, 150, 155))
DETAILS = ("buttons", "zip", "logo", "collar", "number")
LEAST_CONTRAST = 130.0  # between top and bottom, summed over the channels; below it the bottom is drawn once more
HELMETS = ("bicycling", "mountain biking", "skiing")


@dataclass(frozen=True)
class Outfit:
    """The look of one person. Nothing in it has a side: left and right limbs share each cloth.

    `top`, `sleeve`, `bottom`, `leg`, `shoe`, `hand` are the cloths of torso, upper arms, hips and thighs, shins, feet
    and hands; `forearm` differs from `sleeve` under a short sleeve. `detail` is drawn on the chest only, `back` on the
    back only.
    """

    top: Cloth
    sleeve: Cloth
    forearm: Cloth
    hand: Cloth
    bottom: Cloth
    leg: Cloth
    shoe: Cloth
    skirt: bool
    detail: str
    accent: Colour
    back: str
    long_hair: bool
    head: HeadLook

    def limb(self, part: str) -> Cloth:
        """Return the cloth of a limb part of either side: upper_arm, forearm, hand, thigh, shin or shoe."""
        cloths = {
            "upper_arm": self.sleeve, "forearm": self.forearm, "hand": self.hand,
            "thigh": self.bottom if not self.skirt else self.leg, "shin": self.leg, "shoe": self.shoe,
        }  # fmt: skip
        return cloths[part]


def sample_colour(rng: np.random.Generator, low: float = 20.0, high: float = 240.0) -> Colour:
    """Draw a colour (BGR) that is grey as often as it is bright."""
    brightness, vivid, *hue = rng.random(5).tolist()
    value, strength = low + (high - low) * brightness, 0.75 * vivid**1.5
    b, g, r = (min(max(value * (1.0 + strength * (2.0 * h - 1.0)), 5.0), 250.0) for h in hue)
    return (b, g, r)


def sample_cloth(rng: np.random.Generator, scale: float) -> Cloth:
    """Draw a fabric; `scale` is pixels per body height."""
    pattern = PATTERNS[int(rng.integers(len(PATTERNS)))]
    return Cloth(sample_colour(rng), sample_colour(rng), pattern, float(scale * rng.uniform(0.04, 0.09)))


def sample_outfit(rng: np.random.Generator, activity: str, scale: float) -> Outfit:
    """Draw the clothes for an activity: short ones indoors and in summer, long ones, gloves and helmets for snow."""
    cold = activity == "skiing"
    skin_base = np.array(SKINS[int(rng.integers(len(SKINS)))]) * rng.uniform(0.88, 1.08)
    skin: Colour = (float(skin_base[0]), float(skin_base[1]), float(skin_base[2]))
    bare = Cloth(skin, skin)
    top, bottom = sample_cloth(rng, scale), sample_cloth(rng, scale)
    if np.abs(np.subtract(top.colour, bottom.colour)).sum() < LEAST_CONTRAST:
        bottom = sample_cloth(rng, scale)
    # Half of the sleeves differ from the chest, so that an arm before it can be seen.
    sleeve = Cloth(top.second if rng.random() < 0.5 else top.colour, top.colour)
    arms = "long" if cold else str(rng.choice(("long", "short", "none"), p=(0.55, 0.37, 0.08)))
    legs = "long" if cold else str(rng.choice(("long", "short", "skirt"), p=(0.58, 0.34, 0.08)))
    leg = bottom if legs == "long" else bare
    # Shoes stand out from the leg, so that the ankle can be found.
    shoe = sample_colour(rng, 20.0, 70.0) if sum(leg.colour) > 330.0 else sample_colour(rng, 170.0, 240.0)
    hat_share = {"skiing": 0.9, "bicycling": 0.7, "mountain biking": 0.85}.get(activity, 0.15)
    hat = sample_colour(rng, 40.0) if rng.random() < hat_share else None
    head = HeadLook(
        skin, HAIRS[int(rng.integers(len(HAIRS)))], hat, brim=bool(rng.random() < 0.6),
        hairline=float(rng.uniform(-0.1, 0.22)), fringe=float(rng.uniform(0.42, 0.66)),
        glasses=bool(rng.random() < (0.4 if activity in HELMETS else 0.12)),
    )  # fmt: skip
    return Outfit(
        top=top,
        sleeve=bare if arms == "none" else sleeve,
        forearm=sleeve if arms == "long" else bare,
        hand=Cloth(sample_colour(rng), skin) if cold else bare,
        bottom=bottom,
        leg=leg,
        shoe=Cloth(shoe, shoe),
        skirt=legs == "skirt",
        detail=str(rng.choice(DETAILS)),
        accent=sample_colour(rng),
        back=str(rng.choice(("plain", "plain", "hood", "label"))),
        long_hair=bool(rng.random() < 0.3),
        head=head,
    )
