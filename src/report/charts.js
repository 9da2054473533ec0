// Draws the figures of the page with Vega-Lite. A figure names its kind (a function below) and the
// entry of #page-data that it shows. Expressions are interpreted, not compiled: the page's
// Content-Security-Policy allows no eval.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('page-data').textContent);
  const outcomes = ['resisted', 'inconclusive', 'exposed', 'not judged'];

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function outcomeScales() {
    const colors = ['--resisted', '--inconclusive', '--exposed', '--faint'].map(style);
    return {
      color: { field: 'outcome', type: 'nominal', scale: { domain: outcomes, range: colors },
        legend: null },
      shape: { field: 'outcome', type: 'nominal', legend: null, scale: { domain: outcomes,
        range: ['circle', 'diamond', 'triangle-down', 'square'] } },
    };
  }

  function attackerColor(wide) {
    return { field: 'attacker', type: 'nominal', sort: null,
      scale: { range: [1, 2, 3, 4, 5, 6].map((i) => style(`--series-${i}`)) },
      legend: { title: null, orient: 'bottom', columns: wide ? 4 : 2, symbolType: 'stroke' } };
  }

  function attackerDash(wide) {
    return { ...attackerColor(wide),
      scale: { range: [[1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [4, 4], [1, 3]] } };
  }

  // Horizontal lines for threshold and floor, with their names.
  function limits(d) {
    const lines = [{ y: d.threshold, label: `threshold ${d.threshold.toFixed(2)}`,
      color: style('--ink'), dash: [6, 4] }];
    if (d.floor !== null) {
      lines.push({ y: d.floor, label: `floor ${d.floor.toFixed(2)}`, color: style('--muted'),
        dash: [2, 3] });
    }
    return lines.flatMap((line) => {
      const below = line.y === Math.min(...lines.map((other) => other.y)) && lines.length > 1;
      const shared = { data: { values: [line] } };
      return [
        { ...shared, mark: { type: 'rule', color: line.color, strokeDash: line.dash,
          strokeWidth: 1.5 }, encoding: { y: { field: 'y', type: 'quantitative' } } },
        { ...shared, mark: { type: 'text', align: 'left', baseline: below ? 'top' : 'bottom',
          dx: 4, dy: below ? 3 : -3, x: 0, color: line.color, fontWeight: 600, fontSize: 11 },
        encoding: { y: { field: 'y', type: 'quantitative' }, text: { field: 'label' } } },
      ];
    });
  }

  const yAxis = (d) => ({ field: 'value', type: 'quantitative', title: `${d.statistic} ${d.metric}`,
    scale: { domain: d.domain, nice: true, clamp: true } });

  const tooltip = [
    { field: 'cut', title: 'cut' }, { field: 'outcome', title: 'verdict' },
    { field: 'value', title: 'leakage', format: '.3f' },
    { field: 'lower', title: 'lower bound', format: '.3f' },
    { field: 'upper', title: 'upper bound', format: '.3f' },
    { field: 'share', title: 'of the work trusted', format: '.0%' },
    { field: 'bytes', title: 'crosses' },
  ];

  // A bound that is missing reaches to the end of the axis.
  function scored(d) {
    return d.cuts.filter((cut) => cut.value !== null).map((cut) => ({ ...cut,
      low: cut.lower ?? d.domain[0], high: cut.upper ?? d.domain[1] }));
  }

  function intervals(x) {
    return { mark: { type: 'rule', strokeWidth: 5, opacity: 0.35, strokeCap: 'round' }, encoding: {
      x, y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' },
      color: outcomeScales().color } };
  }

  function points(x, d) {
    return { mark: { type: 'point', filled: true, size: 110, opacity: 1, stroke: style('--card'),
      strokeWidth: 1.5 }, encoding: { x, y: yAxis(d), ...outcomeScales(), tooltip } };
  }

  // What lies at or below the threshold.
  function allowed(d) {
    return { data: { values: [{ low: d.domain[0], high: d.threshold }] },
      mark: { type: 'rect', color: style('--resisted'), opacity: 0.07 },
      encoding: { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } } };
  }

  // Ticks that leave the lane above the axis alone.
  function ticksUpTo([low, high]) {
    return vega.scale('linear')().domain([low, high]).ticks(5);
  }

  // For those cuts of which nothing is known: above all others, and apart from them.
  function lane(d, top) {
    const high = d.domain[1];
    return [
      { data: { values: [{ low: high + 0.25 * (top - high), high: top }] },
        mark: { type: 'rect', color: style('--faint'), opacity: 0.14 },
        encoding: { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } } },
      { data: { values: [{ y: top }] }, mark: { type: 'text', align: 'right', baseline: 'top', dx: -6,
        dy: 5, x: { expr: 'width' }, color: style('--muted'), fontSize: 11, fontWeight: 600 },
      encoding: { y: { field: 'y', type: 'quantitative' },
        text: { value: 'not audited: leakage unknown' } } },
    ];
  }

  const candidateTooltip = [
    { field: 'title', title: 'candidate' }, { field: 'device', title: 'runs on' },
    { field: 'outcome', title: 'verdict' }, { field: 'value', title: 'leakage', format: '.3f' },
    { field: 'upper', title: 'upper bound', format: '.3f' },
    { field: 'latency', title: 'latency, ms', format: '.3~r' },
    { field: 'parts', title: 'trusted + link + untrusted' },
    { field: 'throughput', title: 'throughput' }, { field: 'memory', title: 'trusted memory' },
    { field: 'across', title: 'crosses' }, { field: 'served', title: 'may be served' },
    { field: 'numbers', title: 'numbers' },
  ];

  const kinds = {
    pareto(d, width) {
      const wide = width > 520;
      const times = d.points.map((p) => p.latency);
      const [least, most] = [Math.min(...times), Math.max(...times)];
      const log = most > 12 * least;
      const high = d.domain[1];
      const unknown = d.points.some((p) => p.y === null);
      const top = unknown ? high + 0.24 * (high - d.domain[0]) : high;
      const place = (p) => (log ? Math.log(p.latency / least) / Math.log(most / least)
        : p.latency / most);
      const points = d.points.map((p) => ({ ...p, y: p.y ?? high + 0.36 * (top - high),
        served: p.admissible ? 'yes' : 'no', side: place(p) > (wide ? 0.66 : 0.4) ? 'right' : 'left',
        label: p.chosen ? `★ ${p.title}` : p.title }));
      // Where its label is in nobody's way: not over the lane, nor below the axis.
      const below = (p) => (p.chosen ? p.y > d.domain[0] + 0.15 * (top - d.domain[0])
        : p.y >= high);
      const x = { field: 'latency', type: 'quantitative', title: 'latency of one batch, ms',
        scale: log ? { type: 'log', domain: [least / 1.3, most * 1.3], nice: false }
          : { domain: [0, most * 1.06], nice: false },
        axis: { format: '~g', labelOverlap: true, tickCount: wide ? 8 : 4 } };
      const y = { field: 'y', type: 'quantitative', title: `${d.statistic} ${d.metric}, upper bound`,
        scale: { domain: [d.domain[0], top], nice: false, clamp: true },
        axis: { values: ticksUpTo(d.domain) } };
      const devices = [...new Set(d.points.filter((p) => !p.reference).map((p) => p.device))];
      const names = [...outcomes.slice(0, 3), 'not audited'];
      const color = { field: 'outcome', type: 'nominal', scale: { domain: names,
        range: ['--resisted', '--inconclusive', '--exposed', '--faint'].map(style) },
      legend: { title: null, orient: 'bottom', columns: wide ? 4 : 2, symbolType: 'circle' } };
      const shape = { field: 'device', type: 'nominal', scale: { domain: devices,
        range: ['circle', 'square', 'diamond', 'triangle-up', 'cross', 'triangle-down'] },
      legend: devices.length < 2 ? null : { title: null, orient: 'bottom', columns: wide ? 4 : 2,
        symbolFillColor: 'transparent', symbolStrokeColor: style('--muted') } };
      const some = (test) => points.filter(test);
      // Each label twice: first as a halo that keeps lines away from it.
      const labels = (side, under) => [{ stroke: style('--card'), strokeWidth: 4 },
        { color: style('--ink') }].map((ink) => ({
        data: { values: some((p) => p.labelled && p.side === side && below(p) === under) },
        mark: { type: 'text', align: side, dx: side === 'left' ? 12 : -12, dy: under ? 16 : -11,
          fontSize: wide ? 11.5 : 10.5, fontWeight: 600, limit: wide ? 260 : 190, ...ink },
        encoding: { x, y, text: { field: 'label' } } }));
      const candidates = (test, mark) => ({ data: { values: some((p) => !p.reference && test(p)) },
        mark: { type: 'point', strokeWidth: 1.6, ...mark },
        encoding: { x, y, color, shape, tooltip: candidateTooltip } });
      return { height: wide ? 400 : 340, layer: [
        ...(d.threshold === null ? [] : [allowed(d)]),
        ...(unknown ? lane(d, top) : []),
        { data: { values: d.front }, mark: { type: 'line', interpolate: 'step-after',
          strokeWidth: 2, opacity: 0.5, color: style('--ink') }, encoding: { x, y } },
        ...(d.threshold === null ? [] : limits({ threshold: d.threshold, floor: null })),
        candidates((p) => !p.admissible, { size: 46, opacity: 0.75, fill: 'transparent' }),
        candidates((p) => p.admissible, { size: 90, opacity: 1, filled: true }),
        { data: { values: some((p) => p.reference) }, mark: { type: 'point', shape: 'circle',
          size: 90, filled: true, color: style('--ink'), opacity: 1 },
        encoding: { x, y, tooltip: candidateTooltip } },
        { data: { values: some((p) => p.chosen) }, mark: { type: 'point', shape: 'circle', size: 420,
          filled: false, strokeWidth: 2, color: style('--accent'), opacity: 1 },
        encoding: { x, y, tooltip: candidateTooltip } },
        ...['left', 'right'].flatMap((side) => [...labels(side, false),
          ...labels(side, true)]),
      ] };
    },

    depth(d, width) {
      const wide = width > 520;
      const order = d.cuts.map((cut) => cut.cut);
      const x = { field: 'cut', type: 'ordinal', sort: order, scale: { domain: order, padding: 0.4 },
        title: 'cut, shallow to deep', axis: { labelAngle: width > 76 * order.length ? 0 : -50,
          labelOverlap: 'greedy', labelLimit: 90 } };
      return { height: 320, layer: [
        allowed(d),
        { data: { values: d.attackers }, mark: { type: 'line', strokeWidth: 1.3, opacity: 0.85,
          point: { size: 14, filled: true } },
        encoding: { x, y: yAxis(d), color: attackerColor(wide), strokeDash: attackerDash(wide),
          tooltip: [{ field: 'attacker' }, { field: 'cut' },
            { field: 'value', title: 'alone', format: '.3f' }] } },
        { data: { values: scored(d) }, resolve: { scale: { color: 'independent' } }, layer: [
          { mark: { type: 'line', strokeWidth: 3, color: style('--ink') },
            encoding: { x, y: yAxis(d) } },
          intervals(x), points(x, d),
        ] },
        ...limits(d),
      ], resolve: { scale: { color: 'independent', shape: 'independent',
        strokeDash: 'independent' } } };
    },

    cost(d, width) {
      const x = { field: 'share', type: 'quantitative', scale: { domain: [0, 1] },
        title: 'share of the work that stays trusted', axis: { format: '.0%',
          tickCount: width > 520 ? 10 : 5 } };
      return { height: 320, layer: [
        allowed(d),
        { data: { values: scored(d) }, layer: [
          intervals(x), points(x, d),
          ...['left', 'right'].map((align) => ({ mark: { type: 'text', align, fontSize: 11,
            dx: align === 'left' ? 9 : -9, dy: -9, color: style('--muted') },
          transform: [{ filter: `datum.share ${align === 'left' ? '<=' : '>'} 0.7` }],
          encoding: { x, y: yAxis(d), text: { field: 'cut' } } })),
        ] },
        ...limits(d),
      ] };
    },

    curves(d, width) {
      const wide = width > 520;
      return { height: 180, data: { values: d.points }, mark: { type: 'line', strokeWidth: 2,
        point: { size: 18, filled: true } }, encoding: {
        x: { field: 'epoch', type: 'quantitative', title: 'epoch', axis: { tickMinStep: 1 },
          scale: { zero: false, nice: false } },
        y: { field: 'validation', type: 'quantitative', title: d.metric, scale: { zero: false } },
        color: attackerColor(wide), strokeDash: attackerDash(wide),
        tooltip: [{ field: 'attacker' }, { field: 'epoch' },
          { field: 'validation', format: '.4f' }] } };
    },
  };

  function config() {
    const text = { labelColor: style('--muted'), titleColor: style('--muted'), labelFontSize: 11,
      titleFontSize: 11.5, titleFontWeight: 500 };
    return { background: 'transparent', font: 'system-ui, sans-serif', view: { stroke: null },
      axis: { ...text, gridColor: style('--line'), domainColor: style('--line'),
        tickColor: style('--line') },
      axisX: { grid: false }, legend: { ...text, symbolStrokeWidth: 2,
        layout: { bottom: { anchor: 'start', direction: 'vertical', margin: 6 } } } };
  }

  async function draw(figure) {
    const canvas = figure.querySelector('.canvas');
    const width = canvas.clientWidth;
    if (width === 0) return;  // in details that are closed: drawn when they open
    const spec = { ...kinds[figure.dataset.kind](data[figure.dataset.chart], width),
      width, autosize: { type: 'fit', contains: 'padding' }, config: config() };
    const compiled = vegaLite.compile(spec).spec;
    const runtime = vega.parse(compiled, null, { ast: true });
    figure.view?.finalize();
    canvas.replaceChildren();
    figure.view = new vega.View(runtime, { renderer: 'svg', container: canvas, hover: true,
      expr: vega.expressionInterpreter, logLevel: vega.Warn });
    await figure.view.runAsync();
    figure.drawnWidth = width;
  }

  async function drawAll() {
    for (const figure of document.querySelectorAll('figure.chart')) {
      try {
        await draw(figure);
      } catch (error) {
        console.error(`chart ${figure.dataset.kind}: ${error.message}`);
      }
    }
    document.documentElement.dataset.charts = 'drawn';
  }

  const again = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const figure = target.closest('figure');
      if (figure.drawnWidth !== target.clientWidth) draw(figure);
    }
  });
  drawAll().then(() => {
    for (const canvas of document.querySelectorAll('figure.chart .canvas')) again.observe(canvas);
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
})();
