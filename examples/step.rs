//! One side of the comparison with PyTorch: takes weights and batches from files, answers with gradients and times.
//! The line protocol is written down in `benches/peers/README.md`.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use specrec::diag::render::render_all;
use specrec::diag::{Diags, Sources};
use specrec::exec::candle::{Outputs, Schedule};
use specrec::exec::cost::flops;
use specrec::exec::feed::{Column, Feed};
use specrec::exec::host::Host;
use specrec::exec::matrix::Matrix;
use specrec::exec::profile::{Peak, Profile, table};
use specrec::exec::prologue::Prologue;
use specrec::exec::weights::Weights;
use specrec::ir::axis::{AxisId, AxisKind};
use specrec::ir::graph::{Graph, Role};
use specrec::ir::op::Noise;
use specrec::lower::{Rows, lower};
use specrec::pass::request::CANDIDATE;
use specrec::pass::{Goal, instantiate};

/// Rows of every table.
type Tables = BTreeMap<String, usize>;
/// That of the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Operations that are products of matrices.
const PRODUCTS: [&str; 5] = ["linear", "linear_scaled", "outer_by", "outer_sum", "scaled_linear"];

/// A graph with its kernels and what is known of it before a step.
struct Side {
    host: Host,
    prologue: Prologue,
    profile: Option<Profile>,
}

struct Step {
    train: Side,
    /// Made a side for the comparison alone, so that its memory is not counted to what is timed.
    gradients: Graph,
    predict: Side,
    /// None for a work without candidates.
    request: Option<Side>,
    weights: Weights,
    rows: Tables,
    feeds: Vec<Feed>,
    step: u64,
    threads: usize,
}

fn main() -> Result<()> {
    let mut step = Step::new(std::env::args().skip(1).collect())?;
    for line in std::io::stdin().lock().lines() {
        let answer = step.answer(&line?);
        let mut out = std::io::stdout().lock();
        match answer {
            Ok(words) => writeln!(out, "ok {words}")?,
            Err(error) => writeln!(out, "error {error}")?,
        }
        out.flush()?;
    }
    Ok(())
}

impl Side {
    fn new(graph: Graph, threads: usize) -> Result<Self> {
        Ok(Self { prologue: Prologue::of(&graph), host: Host::new(graph, threads)?, profile: None })
    }

    /// One step, from the ids of a batch.
    fn step(&mut self, feed: &Feed, tables: &Tables, weights: &mut Weights, at: (&Schedule, Noise)) -> Result<Outputs> {
        let start = Instant::now();
        let batch = self.prologue.prepare(self.host.graph(), feed, tables, at.1)?;
        let prepared = Instant::now();
        let outputs = self.host.step(weights, &batch, at.0, at.1)?;
        if let Some(profile) = &mut self.profile {
            profile.prepared((start, prepared));
            let spans = self.host.recorded();
            profile.add(self.host.graph(), &batch.rows, spans, start);
        }
        Ok(outputs)
    }
}

impl Step {
    fn new(args: Vec<String>) -> Result<Self> {
        let path = args.first().ok_or("step SPEC --threads N [--set a.b=c]...")?;
        let (mut threads, mut sets) = (1, Vec::new());
        for pair in args[1..].chunks(2) {
            match pair {
                [flag, value] if flag == "--threads" => threads = value.parse()?,
                [flag, value] if flag == "--set" => sets.push(value.clone()),
                other => return Err(format!("unknown argument {other:?}").into()),
            }
        }
        let (mut sources, mut diags) = (Sources::default(), Diags::default());
        let spec = specrec::syntax::load(Path::new(path), &sets, &mut sources, &mut diags);
        let program = spec.as_ref().and_then(|spec| lower(spec, &mut sources, &mut diags));
        let (Some(spec), Some(program)) = (spec, program) else {
            return Err(render_all(diags.list(), &sources, false).into());
        };
        let rows = |rows: Rows| match rows {
            Rows::Hash(n) | Rows::Size(n) | Rows::Buckets(n) => n as usize + 1,
            Rows::Vocabulary => 0,
        };
        let rows = program.tables.iter().map(|table| (table.name.clone(), rows(table.rows))).collect();
        let train = instantiate(&program.graph, Goal::Train(&spec.train), None)?;
        let gradients = instantiate(&program.graph, Goal::Gradients, None)?;
        let predict = instantiate(&program.graph, Goal::Predict, None)?;
        let request = instantiate(&program.graph, Goal::Request, None).ok();
        let weights = Weights::initial(&train, &rows, &BTreeMap::new(), spec.train.seed)?;
        Ok(Self {
            train: Side::new(train, threads)?,
            gradients,
            predict: Side::new(predict, threads)?,
            request: request.map(|graph| Side::new(graph, threads)).transpose()?,
            weights,
            rows,
            feeds: Vec::new(),
            step: 0,
            threads,
        })
    }

    fn answer(&mut self, line: &str) -> Result<String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["describe"] => Ok(self
                .trained()
                .map(|(name, m)| format!("{name}:{}x{}", m.rows(), m.width()))
                .collect::<Vec<_>>()
                .join(" ")),
            ["save", file] => self.save(file),
            ["load", file, ref batches @ ..] => self.load(file, batches),
            ["grads", file] => self.grads(file),
            ["count"] => Ok(self.count()),
            ["time", n] => self.times(n.parse()?, Self::train_step),
            ["request", n, candidates] => self.requests(n.parse()?, candidates.parse()?),
            ["scores", file, candidates] => self.scores(file, candidates.parse()?),
            ["infer", n] => self.times(n.parse()?, Self::infer),
            ["profile", n] => self.profile(n.parse()?, |step| &mut step.train, Self::train_step),
            ["profile_infer", n] => self.profile(n.parse()?, |step| &mut step.predict, Self::infer),
            _ => Err(format!("unknown line `{line}`").into()),
        }
    }

    /// Trained parameters, without moments and statistics.
    fn trained(&self) -> impl Iterator<Item = (&str, &Matrix)> {
        let graph = self.train.host.graph();
        let trained =
            |name: &str| graph.params().any(|(_, p)| p.name == name && matches!(p.role, Role::Weight | Role::Table));
        self.weights.iter().filter(move |(name, _)| trained(name))
    }

    fn save(&self, file: &str) -> Result<String> {
        let tensors = self.trained().map(|(name, m)| (format!("weight/{name}"), m.clone())).collect();
        write(file, &tensors)
    }

    fn load(&mut self, file: &str, batches: &[&str]) -> Result<String> {
        if file != "-" {
            let bytes = std::fs::read(file)?;
            let tensors = SafeTensors::deserialize(&bytes)?;
            let names: Vec<String> = self.trained().map(|(name, _)| name.to_owned()).collect();
            for name in names {
                let data = floats(&tensors.tensor(&format!("weight/{name}"))?);
                let matrix = self.weights.get_mut(&name).ok_or("no such weight")?;
                let (rows, width) = (matrix.rows(), matrix.width());
                if data.len() != rows * width {
                    return Err(format!("`{name}` has {} numbers, expected {}", data.len(), rows * width).into());
                }
                *matrix = Matrix::new(rows, width, data);
            }
        }
        let graph = self.train.host.graph();
        let state: Vec<String> =
            graph.params().filter(|(_, p)| p.role == Role::State).map(|(_, p)| p.name.clone()).collect();
        for name in state.iter().filter(|name| name.ends_with(".m") || name.ends_with(".v")) {
            self.weights.remove(name);
        }
        self.weights.complete(graph, &self.rows, &BTreeMap::new(), 0)?;
        self.step = 0;
        self.feeds = batches.iter().map(|file| read_feed(file)).collect::<Result<_>>()?;
        Ok(String::new())
    }

    fn grads(&mut self, file: &str) -> Result<String> {
        let feed = self.feeds.first().ok_or("no batch")?;
        let mut side = Side::new(self.gradients.clone(), self.threads)?;
        let graph = side.host.graph().clone();
        let batch = side.prologue.prepare(&graph, feed, &self.rows, Noise::default())?;
        let outputs = side.host.step(&mut self.weights, &batch, &BTreeMap::new(), Noise::default())?;
        let mut tensors = BTreeMap::new();
        let mut loss = 0.0;
        for root in graph.losses() {
            if let Some(Column::F32(values)) = outputs.get(&root.name) {
                loss += values.iter().sum::<f32>();
            }
        }
        tensors.insert("loss".to_owned(), Matrix::new(1, 1, vec![loss]));
        for root in graph.outputs() {
            let (Some(name), Some(Column::F32(values))) = (root.name.strip_prefix("d."), outputs.get(&root.name))
            else {
                continue;
            };
            let whole = self.weights.get(name).ok_or("a gradient of no weight")?;
            let mut data = values.clone();
            let unique = |axis: &&AxisId| matches!(graph.axis(**axis).kind, AxisKind::Unique { .. });
            if let Some(&axis) = graph.ty(root.value).space.axes().first().filter(unique) {
                data = vec![0.0; whole.rows() * whole.width()];
                for (row, values) in batch.rows.unique(axis).iter().zip(values.chunks(whole.width())) {
                    data[*row as usize * whole.width()..][..whole.width()].copy_from_slice(values);
                }
            }
            tensors.insert(format!("grad/{name}"), Matrix::new(whole.rows(), whole.width(), data));
        }
        write(file, &tensors)
    }

    fn count(&self) -> String {
        let numbers: usize = self.trained().map(|(_, matrix)| matrix.rows() * matrix.width()).sum();
        let graph = self.train.host.graph();
        let Some(feed) = self.feeds.first() else { return format!("{numbers} 0") };
        let Ok(batch) = self.train.prologue.prepare(graph, feed, &self.rows, Noise::default()) else {
            return format!("{numbers} 0");
        };
        let products = graph.nodes().filter(|(_, node)| PRODUCTS.contains(&node.op.name()));
        let flops: u64 = products.map(|(_, node)| flops(graph, node, &batch.rows)).sum();
        format!("{numbers} {flops}")
    }

    fn times(&mut self, n: usize, run: fn(&mut Self, usize) -> Result<()>) -> Result<String> {
        let mut times = Vec::with_capacity(n);
        for i in 0..n {
            let start = Instant::now();
            run(self, i)?;
            times.push(format!("{:.4}", start.elapsed().as_secs_f64() * 1e3));
        }
        Ok(times.join(" "))
    }

    /// As [`Step::times`]; what the time goes to is written to standard error.
    fn profile(
        &mut self,
        n: usize,
        side: fn(&mut Self) -> &mut Side,
        run: fn(&mut Self, usize) -> Result<()>,
    ) -> Result<String> {
        let profile = Profile::new(self.threads);
        side(self).host.record(Some(&profile));
        side(self).profile = Some(profile);
        let times = self.times(n, run);
        let side = side(self);
        side.host.record(None);
        if let Some(profile) = side.profile.take() {
            let peak = Peak::measure(profile.threads())?;
            eprint!("{}", table(&profile, side.host.graph(), Some(peak)));
        }
        times
    }

    fn train_step(&mut self, i: usize) -> Result<()> {
        self.step += 1;
        let feed = &self.feeds[i % self.feeds.len().max(1)];
        let noise = Noise { seed: 1, step: self.step };
        let numbers = [("lr", 0.001), ("tables_lr", 0.001), ("step", self.step as f32)];
        let schedule = numbers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.train.step(feed, &self.rows, &mut self.weights, (&schedule, noise))?;
        Ok(())
    }

    fn infer(&mut self, i: usize) -> Result<()> {
        let feed = &self.feeds[i % self.feeds.len().max(1)];
        self.predict.step(feed, &self.rows, &mut self.weights, (&Schedule::new(), Noise::default()))?;
        Ok(())
    }
}

impl Step {
    /// Requests of one user after the other, the feed of each made before its time begins.
    fn requests(&mut self, n: usize, candidates: usize) -> Result<String> {
        let mut times = Vec::with_capacity(n);
        for user in 0..n {
            let feed = self.request_of(user, candidates)?;
            let start = Instant::now();
            self.answer_request(&feed)?;
            times.push(format!("{:.4}", start.elapsed().as_secs_f64() * 1e3));
        }
        Ok(times.join(" "))
    }

    fn scores(&mut self, file: &str, candidates: usize) -> Result<String> {
        let feed = self.request_of(0, candidates)?;
        let outputs = self.answer_request(&feed)?;
        let Some(Column::F32(data)) = outputs.into_values().next() else { return Err("no scores".into()) };
        write(file, &BTreeMap::from([("scores".to_owned(), Matrix::new(1, data.len(), data))]))
    }

    fn answer_request(&mut self, feed: &Feed) -> Result<Outputs> {
        let side = self.request.as_mut().ok_or("a work without candidates")?;
        side.step(feed, &self.rows, &mut self.weights, (&Schedule::new(), Noise::default()))
    }

    /// What a sample of the first batch has, and as candidates the items of all its samples, round and round.
    fn request_of(&self, user: usize, candidates: usize) -> Result<Feed> {
        let graph = self.request.as_ref().ok_or("a work without candidates")?.host.graph();
        let batch = self.feeds.first().ok_or("no batch")?;
        let (user, mut feed) = (user % batch.samples, Feed { samples: 1, ids: vec![0], ..Feed::default() });
        feed.offsets.insert(CANDIDATE.to_owned(), vec![0, candidates as u32]);
        for (_, input) in graph.inputs() {
            let (value, last) = (graph.value(input.value), graph.ty(input.value).space.axes().last());
            let last = &graph.axis(*last.ok_or("an input of no sample")?).name;
            let rows: Vec<usize> = match (input.source.is_of_item(), batch.offsets.get(last)) {
                (true, _) => (0..candidates).map(|candidate| candidate % batch.samples).collect(),
                (false, None) => vec![user],
                (false, Some(offsets)) => {
                    let (from, to) = (offsets[user], offsets[user + 1]);
                    feed.offsets.insert(last.clone(), vec![0, to - from]);
                    (from as usize..to as usize).collect()
                }
            };
            let width = value.ty.width as usize;
            let numbers = rows.iter().flat_map(|row| row * width..(row + 1) * width);
            let column = match batch.columns.get(&value.name).ok_or("a batch without an input")? {
                Column::F32(data) => Column::F32(numbers.map(|at| data[at]).collect()),
                Column::U32(data) => Column::U32(numbers.map(|at| data[at]).collect()),
            };
            feed.columns.insert(value.name.clone(), column);
        }
        Ok(feed)
    }
}

fn read_feed(file: &str) -> Result<Feed> {
    let bytes = std::fs::read(file)?;
    let tensors = SafeTensors::deserialize(&bytes)?;
    let mut feed = Feed::default();
    for (name, view) in tensors.tensors() {
        let Some(name) = name.strip_prefix("batch/") else { continue };
        match (name.strip_prefix("offsets."), view.dtype()) {
            (Some(axis), _) => drop(feed.offsets.insert(axis.to_owned(), places(&view))),
            (None, Dtype::F32) => drop(feed.columns.insert(name.to_owned(), Column::F32(floats(&view)))),
            (None, _) => drop(feed.columns.insert(name.to_owned(), Column::U32(places(&view)))),
        }
    }
    feed.samples = feed.offsets.values().next().map_or(0, |offsets| offsets.len() - 1);
    feed.ids = (0..feed.samples as u64).collect();
    Ok(feed)
}

fn floats(view: &TensorView) -> Vec<f32> {
    view.data().chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
}

fn places(view: &TensorView) -> Vec<u32> {
    view.data().chunks_exact(4).map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
}

fn write(file: &str, tensors: &BTreeMap<String, Matrix>) -> Result<String> {
    let bytes: BTreeMap<&String, Vec<u8>> =
        tensors.iter().map(|(name, m)| (name, m.numbers().iter().flat_map(|x| x.to_le_bytes()).collect())).collect();
    let mut views = Vec::new();
    for (name, matrix) in tensors {
        // A bias or a slope per unit is a vector, a matrix of one row is not.
        let vector = matrix.rows() == 1 && !name.ends_with(".w");
        let shape = if vector { vec![matrix.width()] } else { vec![matrix.rows(), matrix.width()] };
        views.push((name, TensorView::new(Dtype::F32, shape, &bytes[name])?));
    }
    safetensors::serialize_to_file(views, None, Path::new(file))?;
    Ok(String::new())
}
