// The strip of layers: picking a cut recolours it and shows the cut's panel. Everything is in the
// page already; without this script the panel of the first cut shown stays.
'use strict';
(() => {
  const strip = document.querySelector('.strip');
  if (!strip) return;
  const entries = JSON.parse(document.getElementById('page-data').textContent);
  const { shown, stops } = entries[strip.dataset.entry];
  const last = stops.length - 1;
  const track = strip.querySelector('.track');
  const layers = [...strip.querySelectorAll('.layer')];
  const first = strip.querySelector('.handle.first');
  const second = strip.querySelector('.handle.second');
  const byCut = new Map(stops.slice(0, last).map((stop, i) => [stop.cut, i]));
  let picked = shown;

  // Pictures of the cut's article, which has them already.
  function borrow(panel) {
    for (const slot of panel.querySelectorAll('.borrowed:empty')) {
      const article = document.getElementById(slot.dataset.from);
      for (const part of article?.querySelectorAll('.gallery, table.columns') ?? []) {
        slot.append(part.cloneNode(true));
      }
    }
  }

  function describe() {
    track.setAttribute('aria-valuenow', picked + 1);
    track.setAttribute('aria-valuetext', stops[picked].text);
    for (const button of strip.querySelectorAll('[data-step]')) {
      const step = Number(button.dataset.step);
      button.disabled = step === 0 ? picked === shown : picked + step < 0 || picked + step > last;
    }
  }

  function pick(index) {
    const next = Math.min(last, Math.max(0, index));
    if (next === picked) return;
    document.getElementById(`pick-${picked}`).hidden = true;
    picked = next;
    const { x, end } = stops[picked];
    layers.forEach((layer, i) => layer.classList.toggle('untrusted', i > picked && i <= end));
    first.setAttribute('x', `${x}%`);
    second.setAttribute('x', `${stops[end].x}%`);
    second.classList.toggle('off', end === last);
    const panel = document.getElementById(`pick-${picked}`);
    borrow(panel);
    panel.hidden = false;
    describe();
  }

  function nearest(event) {
    const box = track.querySelector('svg').getBoundingClientRect();
    const x = 100 * (event.clientX - box.left) / box.width;
    let best = 0;
    stops.forEach((stop, i) => {
      if (Math.abs(stop.x - x) < Math.abs(stops[best].x - x)) best = i;
    });
    return best;
  }

  const page = Math.max(2, Math.round(stops.length / 10));
  const keys = {
    ArrowLeft: () => picked - 1, ArrowDown: () => picked - 1, ArrowRight: () => picked + 1,
    ArrowUp: () => picked + 1, PageDown: () => picked - page, PageUp: () => picked + page,
    Home: () => 0, End: () => last,
  };

  const attributes = { role: 'slider', tabindex: 0, 'aria-label': 'Cut', 'aria-valuemin': 1,
    'aria-valuemax': stops.length };
  for (const [name, value] of Object.entries(attributes)) track.setAttribute(name, value);
  track.querySelector('svg').setAttribute('aria-hidden', 'true');
  for (const hidden of document.querySelectorAll('.scripted')) hidden.hidden = false;
  borrow(document.getElementById(`pick-${picked}`));
  describe();

  track.addEventListener('keydown', (event) => {
    if (!(event.key in keys) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    pick(keys[event.key]());
  });
  track.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    track.setPointerCapture(event.pointerId);
    pick(nearest(event));
  });
  track.addEventListener('pointermove', (event) => {
    if (track.hasPointerCapture(event.pointerId)) pick(nearest(event));
  });
  strip.addEventListener('click', (event) => {
    const step = event.target.closest('[data-step]')?.dataset.step;
    if (step !== undefined) pick(step === '0' ? shown : picked + Number(step));
  });
  // Names of cuts elsewhere on the page lead here.
  document.addEventListener('click', (event) => {
    const cut = event.target.closest('a[data-cut]')?.dataset.cut;
    if (byCut.has(cut)) pick(byCut.get(cut));
  });
})();
