//! Plots of cost over size, as SVG that can be read on light and dark pages.

use std::fmt::Write;

use super::table::number;

/// How an axis is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// By powers of ten.
    Logarithmic,
}

/// A plot: lines through points.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Above it.
    pub title: String,
    /// Below the horizontal axis.
    pub across: String,
    /// Beside the vertical axis.
    pub up: String,
    /// How the horizontal axis is divided; the vertical one is always even and begins at 0.
    pub scale: Scale,
    /// Lines: their names and points, from left to right.
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 92.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 58.0;

/// Colours that differ in lightness too, and go with both kinds of page; dashes for those who see
/// neither.
const STYLE: &str = "
  svg { --ink: #1c2733; --soft: #566575; --paper: #ffffff; --grid: #dfe4ea;
    --a: #2f6db3; --b: #b5651d; --c: #2e7d4f; --d: #a83279; --e: #5b6470; --f: #7a4fc2; }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #e6ebf0; --soft: #a3b0bd; --paper: #14191f; --grid: #2c3540;
      --a: #7db4ea; --b: #e3a15c; --c: #7fcf9b; --d: #ec8fc6; --e: #aeb8c3; --f: #b79bf0; } }
  text { font: 13px system-ui, 'Helvetica Neue', Arial, sans-serif; fill: var(--ink); }
  .title { font-size: 15px; font-weight: 600; }
  .soft { fill: var(--soft); }
  .middle { text-anchor: middle; }
  .end { text-anchor: end; }
  .paper { fill: var(--paper); }
  .grid { stroke: var(--grid); }
  .axis { stroke: var(--soft); }
  .line { fill: none; stroke-width: 2.2; }
";

/// The drawing.
pub fn svg(plot: &Plot) -> String {
    let points = || plot.lines.iter().flat_map(|(_, points)| points);
    let least = points().map(|point| point.0).fold(f64::INFINITY, f64::min);
    let most = points().map(|point| point.0).fold(0.0, f64::max);
    let highest = points().map(|point| point.1).fold(0.0, f64::max);
    let step = round_step(highest / 5.0);
    let top = (highest / step).ceil().max(1.0) * step;
    let along = |x: f64| match plot.scale {
        Scale::Linear => x / most.max(1e-9),
        Scale::Logarithmic => (x / least).ln() / (most / least).max(1.0 + 1e-9).ln(),
    };
    let x = |value: f64| LEFT + along(value) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM);

    let mut text = String::new();
    let mut add = |line: String| {
        text += &line;
        text.push('\n');
    };
    add(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"t\">"
    ));
    add("<!-- Generated from bench/figures.json by `./ftl gen`. -->".into());
    add(format!("<title id=\"t\">{}</title>", escaped(&plot.title)));
    add(format!("<style>{STYLE}</style>"));
    add(format!(
        "<rect class=\"paper\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>"
    ));
    add(format!(
        "<text class=\"title\" x=\"{LEFT}\" y=\"26\">{}</text>",
        escaped(&plot.title)
    ));

    let mut tick = 0.0;
    while tick <= top * 1.0001 {
        let at = y(tick);
        add(format!(
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>",
            WIDTH - RIGHT
        ));
        add(format!(
            "<text class=\"soft end\" x=\"{:.0}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            at + 4.5,
            short(tick)
        ));
        tick += step;
    }
    let mut last_tick = f64::NEG_INFINITY;
    let mut values: Vec<f64> = points().map(|point| point.0).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    for value in values {
        let at = x(value);
        add(format!(
            "<line class=\"axis\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
            y(0.0),
            y(0.0) + 5.0
        ));
        // Two numbers must not lie on each other.
        if at - last_tick > 38.0 {
            add(format!(
                "<text class=\"soft middle\" x=\"{at:.1}\" y=\"{:.1}\">{}</text>",
                y(0.0) + 21.0,
                number(value)
            ));
            last_tick = at;
        }
    }
    add(format!(
        "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
        WIDTH - RIGHT,
        y(0.0),
        y(0.0)
    ));
    add(format!(
        "<text class=\"soft middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 14.0,
        escaped(&plot.across)
    ));
    let middle = (TOP + HEIGHT - BOTTOM) / 2.0;
    add(format!(
        "<text class=\"soft middle\" transform=\"translate(20 {middle:.1}) rotate(-90)\">{}</text>",
        escaped(&plot.up)
    ));

    let dashes = ["none", "7 4", "2 4", "9 3 2 3", "4 2", "12 4"];
    let mut labels: Vec<(f64, usize)> = Vec::new();
    for (index, (_, points)) in plot.lines.iter().enumerate() {
        let colour = char::from(b'a' + (index % 6) as u8);
        let mut path = String::new();
        for point in points {
            let letter = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{letter}{:.1} {:.1}", x(point.0), y(point.1));
        }
        add(format!(
            "<path class=\"line\" stroke=\"var(--{colour})\" stroke-dasharray=\"{}\" d=\"{path}\"/>",
            dashes[index % dashes.len()]
        ));
        for point in points {
            add(format!(
                "<circle fill=\"var(--{colour})\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.4\"/>",
                x(point.0),
                y(point.1)
            ));
        }
        if let Some(last) = points.last() {
            labels.push((y(last.1), index));
        }
    }
    // Each line's name stands at its right end, moved down where two would lie on each other.
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = TOP;
    for (at, index) in labels {
        let at = at.max(free);
        free = at + 16.0;
        let colour = char::from(b'a' + (index % 6) as u8);
        add(format!(
            "<text x=\"{:.0}\" y=\"{:.1}\" style=\"fill:var(--{colour})\">{}</text>",
            WIDTH - RIGHT + 10.0,
            at + 4.5,
            escaped(&plot.lines[index].0)
        ));
    }
    add("</svg>".into());
    text
}

/// The next larger of 1, 2, 5, 10, 20, 50, …
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1e-9).log10().floor());
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|factor| factor * power >= least * 0.9999);
    factor.unwrap_or(10.0) * power
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// A number that fits beside the axis.
fn short(value: f64) -> String {
    match value >= 1e6 {
        true => format!("{} M", number(value / 1e6)),
        false => number(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (least, step) in [
            (0.9, 1.0),
            (1.0, 1.0),
            (130.0, 200.0),
            (3.0, 5.0),
            (60.0, 100.0),
        ] {
            assert!((round_step(least) - step).abs() < 1e-9, "{least}");
        }
    }

    #[test]
    fn a_plot_is_one_well_formed_drawing() {
        let plot = Plot {
            title: "a < b".into(),
            across: "bytes".into(),
            up: "instructions".into(),
            scale: Scale::Logarithmic,
            lines: vec![("one".into(), vec![(10.0, 5.0), (1000.0, 6.0)])],
        };
        let text = svg(&plot);
        assert!(text.starts_with("<svg") && text.ends_with("</svg>\n"));
        assert!(text.contains("a &lt; b") && !text.contains("NaN"), "{text}");
        assert_eq!(text.matches("<circle").count(), 2);
    }
}
