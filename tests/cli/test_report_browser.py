# SPDX-License-Identifier: BSD-3-Clause
"""coterie report in Chromium: on a telephone and a desk, dark and light, on paper, by keyboard and without eyes."""
# labels: long
# timeout: 900
import os
import sys

import browser
import numpy
import support

# What is to be seen of a page: texts with where they are and their colours, and how wide it is.
MEASURE = r"""
(() => {
  const shown = element => element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
  const clipped = (box, element) => {
    let {left, top, right, bottom} = box;
    for (let at = element; at; at = at.parentElement)
      if (getComputedStyle(at).overflowX !== 'visible') {
        const frame = at.getBoundingClientRect();
        if (at !== document.documentElement && at !== document.body) {
          left = Math.max(left, frame.left); right = Math.min(right, frame.right);
        }
      }
    return {left, top, right, bottom};
  };
  const number = text => (text.match(/[\d.]+/g) || []).map(Number);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = number(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const texts = [], marks = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.data.trim() || element.closest('title, desc, style, script, .skip') || !shown(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const style = getComputedStyle(element), is_svg = element instanceof SVGElement;
    const boxes = is_svg ? [element.getBoundingClientRect()] : [...range.getClientRects()];
    const size = parseFloat(style.fontSize) * (is_svg ? element.getCTM().a : 1);
    for (const box of boxes) {
      const part = clipped(box, element);
      if (part.right - part.left > 1 && part.bottom - part.top > 1)
        texts.push({text: node.data.trim().slice(0, 60), size, box: part, is_svg,
                    colour: number(is_svg ? style.fill : style.color).slice(0, 3), back: behind(element),
                    picture: is_svg ? element.ownerSVGElement.getBoundingClientRect().toJSON() : null});
    }
  }
  for (const mark of document.querySelectorAll('svg .line, svg .bar, svg .dots, svg .axis')) {
    if (!shown(mark)) continue;
    const style = getComputedStyle(mark), is_filled = style.stroke === 'none';
    marks.push({what: mark.getAttribute('class'), back: behind(mark),
                colour: number(is_filled ? style.fill : style.stroke).slice(0, 3),
                opacity: Number(is_filled ? style.fillOpacity : style.strokeOpacity)});
  }
  return {texts, marks, width: document.documentElement.scrollWidth, window: innerWidth,
          back: number(getComputedStyle(document.body).backgroundColor)};
})()
"""

# Captions that are wider than the part of their table that is seen.
CUT_CAPTIONS = r"""
[...document.querySelectorAll('caption')].filter(caption => caption.checkVisibility() &&
  caption.getBoundingClientRect().right > caption.closest('.scroll').getBoundingClientRect().right + 1)
  .map(caption => caption.textContent)
"""


def luminance(colour):
    """Relative luminance of WCAG 2."""
    share = numpy.array(colour) / 255
    return numpy.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def contrast(colour, back, opacity=1):
    mixed = opacity * numpy.array(colour) + (1 - opacity) * numpy.array(back)
    lower, upper = sorted((luminance(mixed), luminance(back)))
    return (upper + 0.05) / (lower + 0.05)


def overlaps(texts):
    """Pairs of texts of which one covers the other by more than the air around letters."""
    found = []
    boxes = sorted(((t["box"]["top"], t["box"]["bottom"], t["box"]["left"], t["box"]["right"], t) for t in texts),
                   key=lambda box: box[0])
    for i, (top, bottom, left, right, text) in enumerate(boxes):
        air = 0.18 * (bottom - top)
        for other_top, other_bottom, other_left, other_right, other in boxes[i + 1:]:
            if other_top > bottom:
                break
            high = min(bottom, other_bottom) - other_top
            wide = min(right, other_right) - max(left, other_left)
            if high > air + 0.18 * (other_bottom - other_top) and wide > 1.5:
                found.append((text["text"], other["text"]))
    return found


@support.unittest.skipUnless(browser.PROGRAM, "no chromium: scripts/install-packages long")
class InBrowser(support.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)

    def page(self, name, *options):
        run = self.folder / name
        self.succeed(support.COTERIE, "train", "--output", run, "--quiet", *options)
        self.succeed(support.COTERIE, "report", run)
        return run / "report.html"

    def table(self, name, n, columns, target):
        numpy.savetxt(self.folder / name, numpy.column_stack([*columns.values(), target]), delimiter=",", fmt="%.9g",
                      header=",".join('"' + column + '"' for column in [*columns, "target of a long name"]), comments="",
                      encoding="utf-8")
        return self.folder / name

    def pages(self):
        """Classes in two dimensions, many experts, regression with names that are hard to place."""
        rng = numpy.random.default_rng(3)
        x = rng.normal(size=(500, 4))
        y = 1e6 * numpy.where(x[:, 0] > 0, 3 * x[:, 1], -x[:, 2]) + 1e5 * rng.normal(size=500)
        names = ["a", "temperature at the outlet of the second stage in kelvin", "\u6e29\u5ea6" * 15, "<b>&\"\"x"]
        data = self.table("d.csv", 500, dict(zip(names, x.T, strict=True)), y)
        yield self.page("vowels", "--experts", 4, "--epochs", 200, "--auto", "off")
        yield self.page("many", "--experts", 45, "--epochs", 30, "--data", "builtin:vowels10", "--auto", "off")
        yield self.page("plant", "--data", data, "--experts", 3, "--epochs", 150, "--variance", "learned", "--valid", 0.3,
                        "--auto", "off", "--learning-rate", 0.05)
        yield self.page("hidden", "--data", data, "--experts", 2, "--epochs", 40, "--expert-hidden", 8, "--auto", "off")

    def check_screen(self, page, width, scheme):
        where = f"{page.parent.name} at {width}, {scheme}"
        self.browser.open(page, width, scheme)
        self.assertEqual(self.browser.said, [], where)
        self.assertEqual([url for url in self.browser.asked if url != page.resolve().as_uri()], [], where)
        if os.environ.get("COTERIE_PICTURES"):
            self.browser.picture(f"{os.environ['COTERIE_PICTURES']}/{page.parent.name}-{width}-{scheme}.png")
        self.browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
        self.assertEqual(self.browser.run(CUT_CAPTIONS), [], where)
        seen = self.browser.run(MEASURE)
        self.assertEqual((seen["window"], seen["width"]), (width, width), where + ": scrolls sideways")
        self.assertGreater(len(seen["texts"]), 100)
        self.assertEqual(luminance(seen["back"]) < 0.2, scheme == "dark", where)
        self.assertEqual(overlaps(seen["texts"]), [], where)
        for text in seen["texts"]:
            what = f"{where}: {text['text']!r}"
            self.assertGreaterEqual(contrast(text["colour"], text["back"]), 4.5, what)
            self.assertGreaterEqual(text["size"], 9, what)
            self.assertGreaterEqual(text["box"]["left"], 0, what)
            self.assertLessEqual(text["box"]["right"], width + 0.5, what)
            if text["picture"]:
                self.assertGreaterEqual(text["box"]["left"], text["picture"]["left"] - 0.2, what)
                self.assertLessEqual(text["box"]["right"], text["picture"]["right"] + 0.2, what)
        for mark in seen["marks"]:
            self.assertGreaterEqual(contrast(mark["colour"], mark["back"], mark["opacity"]), 3, f"{where}: {mark['what']}")

    def check_without_eyes(self, page):
        """What the browser tells a screen reader: every picture has a name and a description."""
        self.browser.open(page, 1280)
        n_figures = self.browser.run("document.querySelectorAll('figure').length")
        nodes = [node for node in self.browser.accessibility_tree() if not node["ignored"]]
        pictures = [node for node in nodes if node["role"]["value"] in ("img", "image")]
        self.assertEqual(len(pictures), n_figures)
        for picture in pictures:
            self.assertGreater(len(picture["name"]["value"]), 20)
        roles = [node["role"]["value"] for node in nodes]
        for role in ("main", "banner", "contentinfo", "navigation"):
            self.assertEqual(roles.count(role), 1, role)

    def check_keyboard(self, page):
        self.browser.open(page, 360)
        self.browser.press("Tab")
        self.assertEqual(self.browser.run("document.activeElement.className"), "skip")
        self.assertGreaterEqual(self.browser.run("document.activeElement.getBoundingClientRect().left"), 0)
        reached = set()
        for _ in range(200):
            self.browser.press("Tab")
            place = self.browser.run("(() => { const at = document.activeElement; const style = getComputedStyle(at);"
                                     "return at === document.body ? null : [at.outerHTML.slice(0, 300), style.outlineStyle] })()")
            if place is None:
                break
            self.assertNotEqual(place[1], "none", place[0])
            reached.add(place[0])
        wide = self.browser.run("[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth"
                                " && e.checkVisibility()).map(e => e.outerHTML.slice(0, 300))")
        self.assertLessEqual(set(wide), reached)

    def check_paper(self, page):
        self.browser.open(page, 700, "dark", media="print")
        seen = self.browser.run(MEASURE)
        self.assertEqual(seen["back"], [255, 255, 255])
        self.assertEqual(overlaps(seen["texts"]), [])
        for text in seen["texts"]:
            self.assertGreaterEqual(contrast(text["colour"], text["back"]), 4.5, text["text"])
        self.assertEqual(self.browser.run("[...document.querySelectorAll('nav, .skip')].filter(e => e.checkVisibility()).length"), 0)
        self.assertTrue(self.browser.pdf().startswith(b"%PDF"))

    def test_pages(self):
        for page in self.pages():
            for width in (360, 768, 1280):
                for scheme in ("light", "dark"):
                    with self.subTest(page=page.parent.name, width=width, scheme=scheme):
                        self.check_screen(page, width, scheme)
            for check in (self.check_without_eyes, self.check_keyboard, self.check_paper):
                with self.subTest(page=page.parent.name, check=check.__name__):
                    check(page)


if __name__ == "__main__":
    if not browser.PROGRAM:
        print("skipped: there is no Chromium; scripts/install-packages long installs it")
        sys.exit(77)
    support.main()
