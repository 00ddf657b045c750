"""Draw the picture of each explorable, or of those named: ``python -m tools.explorables coin gap``. Needs Chromium."""

import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

from tools.chromium import chromium
from xent_helpers import explorables

FOLDER = Path(explorables.__file__).parent
NOTHING = (  # a transparent pixel, where a picture has not been drawn yet
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa3V\x9f\xa9\x00\x00\x00\x00IEND\xaeB`\x82"
)


def page(name: str) -> str:
    """A page that holds nothing but the explorable."""
    style = "background: white; font-family: sans-serif; font-size: 15px"
    body = f'<body style="{style}">{explorables.explore(name).data}</body>'
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title>{body}</html>'


def main(names: list[str]) -> None:
    with chromium() as browser:
        for name in names or explorables.ALTERNATIVES:
            place = FOLDER / f"{name}.png"
            if not place.exists():
                place.write_bytes(NOTHING)
            tab = browser.new_page(viewport={"width": 780, "height": 700}, device_scale_factor=1)
            tab.set_content(page(name))
            shot = Image.open(BytesIO(tab.locator("figure").screenshot()))
            few = shot.convert("RGB").quantize(64, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            few.save(place, optimize=True)  # few colours, a small file, and none of a thin line's lost
            tab.close()
            print(f"{place.name}: {place.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
