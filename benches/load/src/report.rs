//! What was measured, as a table and as a plot.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::client::Load;
use crate::variant::Variant;

/// A round of a variant: what one request took.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    per_second: f64,
    /// p50, p99 and p99.9, in milliseconds.
    latency: [f64; 3],
    /// Processor time of service and database, in microseconds.
    cpu: [f64; 2],
    /// Resident memory of the service, in MiB.
    memory: f64,
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
impl Cell {
    pub(crate) fn of(load: &Load, server: Duration, database: Duration, memory: u64) -> Self {
        let count = load.latency.len() as f64;
        let quantile = |at: f64| load.latency.value_at_quantile(at) as f64 / 1e6;
        Self {
            per_second: count / load.time.as_secs_f64(),
            latency: [quantile(0.5), quantile(0.99), quantile(0.999)],
            cpu: [server, database].map(|time| time.as_secs_f64() * 1e6 / count),
            memory: memory as f64 / 1024.0,
        }
    }
}

#[derive(Default)]
pub(crate) struct Report {
    /// In the order in which they were measured.
    variants: Vec<Variant>,
    cells: BTreeMap<(usize, Variant), Vec<Cell>>,
}

impl Report {
    pub(crate) fn add(&mut self, variant: Variant, connections: usize, cell: Cell) {
        if !self.variants.contains(&variant) {
            self.variants.push(variant);
        }
        self.cells.entry((connections, variant)).or_default().push(cell);
    }

    fn median(
        &self,
        connections: usize,
        variant: Variant,
        value: impl Fn(&Cell) -> f64,
    ) -> Option<f64> {
        let mut values: Vec<f64> =
            self.cells.get(&(connections, variant))?.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    /// The medians at that many connections. Ratios are medians of the rounds' own ratios.
    pub(crate) fn table(&self, connections: usize) -> String {
        let mut table = format!(
            "\n{connections} connections\n| variant | requests/s | ratio | p50 ms | p99 ms | \
             p99.9 ms | service µs | database µs | MiB |\n|---|---|---|---|---|---|---|---|---|\n"
        );
        for variant in &self.variants {
            let value = |of: &dyn Fn(&Cell) -> f64| {
                self.median(connections, *variant, of).unwrap_or_default()
            };
            let ratio = self.ratio(connections, *variant).unwrap_or_default();
            let _written = writeln!(
                table,
                "| {variant:?} | {:.0} | {ratio:.2} | {:.2} | {:.2} | {:.2} | {:.1} | {:.1} | {:.0} |",
                value(&|cell| cell.per_second),
                value(&|cell| cell.latency[0]),
                value(&|cell| cell.latency[1]),
                value(&|cell| cell.latency[2]),
                value(&|cell| cell.cpu[0]),
                value(&|cell| cell.cpu[1]),
                value(&|cell| cell.memory),
            );
        }
        table
    }

    /// How many times the throughput of the last variant.
    fn ratio(&self, connections: usize, variant: Variant) -> Option<f64> {
        let base = self.cells.get(&(connections, *self.variants.last()?))?;
        let own = self.cells.get(&(connections, variant))?;
        let rounds = own.iter().zip(base);
        let mut ratios: Vec<f64> = rounds.map(|(a, b)| a.per_second / b.per_second).collect();
        ratios.sort_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied()
    }

    /// Requests a second over connections, a line for each variant.
    pub(crate) fn svg(&self) -> String {
        const COLOURS: [&str; 5] = ["#1b6ca8", "#c8553d", "#5b8e7d", "#8d6a9f", "#777777"];
        let mut at: Vec<usize> = self.cells.keys().map(|(connections, _)| *connections).collect();
        at.dedup();
        let value = |connections: usize, variant: Variant| {
            self.median(connections, variant, |cell| cell.per_second).unwrap_or_default()
        };
        let top = at
            .iter()
            .flat_map(|connections| self.variants.iter().map(|v| value(*connections, *v)))
            .fold(1.0_f64, f64::max);
        #[expect(clippy::cast_precision_loss, reason = "a handful of columns")]
        let x = |column: usize| 90.0 + 520.0 * column as f64 / (at.len().max(2) - 1) as f64;
        let y = |value: f64| 330.0 - 290.0 * value / top;
        let mut svg = String::from(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 400\" \
             font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"800\" height=\"400\" fill=\"#ffffff\"/>\n\
             <text x=\"90\" y=\"24\">requests per second, by connections</text>\n",
        );
        for step in 0..=4 {
            let value = top * f64::from(step) / 4.0;
            let _written = writeln!(
                svg,
                "<line x1=\"90\" x2=\"610\" y1=\"{0:.1}\" y2=\"{0:.1}\" stroke=\"#dddddd\"/>\
                 <text x=\"82\" y=\"{1:.1}\" text-anchor=\"end\">{value:.0}</text>",
                y(value),
                y(value) + 4.0
            );
        }
        for (column, connections) in at.iter().enumerate() {
            let _written = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"354\" text-anchor=\"middle\">{connections}</text>",
                x(column)
            );
        }
        let mut names = Vec::new();
        for (variant, colour) in self.variants.iter().zip(COLOURS) {
            let mut points = String::new();
            let mut last = 0.0;
            for (column, connections) in at.iter().enumerate() {
                last = y(value(*connections, *variant));
                let _written = write!(points, "{:.1},{last:.1} ", x(column));
            }
            let _written = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"/>",
                points.trim_end(),
            );
            names.push((last + 4.0, variant, colour));
        }
        // Each name stands where its line ends, unless another one stands there.
        names.sort_by(|(one, ..), (other, ..)| one.total_cmp(other));
        let mut free = 0.0_f64;
        for (end, variant, colour) in names {
            let place = end.max(free);
            free = place + 14.0;
            let _written = writeln!(
                svg,
                "<text x=\"620\" y=\"{place:.1}\" fill=\"{colour}\">{variant:?}</text>"
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}
