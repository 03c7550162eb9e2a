// The table of tasks: sorting, search, filters, pages, details and links. It reads the data blocks of the page:
// #rows, a JSON document with a list per column; #details, a line of JSON per task, parsed when it is opened; and
// #names, the names of directories.
(() => {
  'use strict';

  const PAGE_ROWS = 100;
  const PRINTED_ROWS = 2000;
  const FAILING_ROWS = 20;
  const FOLDED_FROM = 8;
  const data = JSON.parse(document.getElementById('rows').textContent);
  const { words, verdicts, labels, columns, zone } = data;
  const count = columns.id.length;

  // Texts. Every text of the report goes through show() or plainText(), which make hidden characters visible.

  // The characters of `is_hidden` in the program.
  const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{110bd}\u{110cd}\u{13430}-\u{1343f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/u;
  const code = (c) => `U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`;

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes ?? {})) {
      if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? '' : value);
    }
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  function show(text) {
    const shown = element('bdi');
    let plain = '';
    for (const c of text) {
      if (!HIDDEN.test(c)) {
        plain += c;
        continue;
      }
      shown.append(plain, element('span', { class: 'odd' }, code(c)));
      plain = '';
    }
    shown.append(plain);
    return shown;
  }

  const plainText = (text) => Array.from(text, (c) => (HIDDEN.test(c) ? `‹${code(c)}›` : c)).join('');
  const fill = (text, ...values) => text.replace(/\{(\d)\}/g, (_, place) => values[place]);
  const number = (value) => (value === null ? '' : value.toLocaleString('en-US'));

  /** Seconds since 1970 on the clock of the report's zone, as `2026-11-26 21:05:37`. */
  const time = (seconds) =>
    seconds === null ? '' : new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, '').replace('T', ' ');

  function shape(name) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
    svg.setAttribute('class', 'shape');
    svg.setAttribute('aria-hidden', 'true');
    use.setAttribute('href', `#${name}`);
    svg.append(use);
    return svg;
  }

  const verdictOf = (row) => verdicts[columns.verdict[row]];
  const verdictMark = (verdict) =>
    element('span', { class: `verdict tone-${verdict.tone}` }, shape(verdict.shape), verdict.label);
  const labelOf = (row, label) => label.values[label.rows[row]];
  const group = labels.find((label) => label.is_group);

  // Columns

  /** Digits are padded, so that web-2 sorts before web-10. */
  const sortKey = (text) => text.toLowerCase().replace(/\d{1,15}/g, (digits) => digits.padStart(15, '0'));

  const numeric = (key, heading, classes) => ({
    heading,
    classes: `number-cell ${classes}`,
    value: (row) => columns[key][row] ?? -1,
    cell(row) {
      const value = columns[key][row];
      const isDifference = key === 'different' || key === 'missing' || key === 'redundant';
      return element('span', { class: value === 0 ? 'zero' : isDifference && value > 0 ? 'differs' : null }, number(value));
    },
    text: (row) => String(columns[key][row] ?? ''),
    descends: true,
  });
  const textual = (heading, text, classes) => ({
    heading,
    classes,
    value: (row) => sortKey(text(row)),
    cell: (row) => show(text(row)),
    text,
  });
  const labelColumn = (label, classes) => textual(label.name, (row) => labelOf(row, label), `label ${classes}`);

  // What the account's listing says of a task stands in its details.
  const others = labels.filter((label) => label !== group && !label.is_listed);
  const table = [
    textual(words.server, (row) => columns.server[row], ''),
    {
      heading: words.verdict,
      classes: '',
      value: (row) => columns.verdict[row],
      cell: (row) => verdictMark(verdictOf(row)),
      text: (row) => verdictOf(row).label,
    },
    {
      heading: `${words.last} (${zone})`,
      classes: 'from-900',
      value: (row) => columns.last[row] ?? -Infinity,
      cell: (row) => element('span', { class: 'time' }, time(columns.last[row])),
      text: (row) => time(columns.last[row]),
      descends: true,
    },
    numeric('different', words.different, ''),
    numeric('missing', words.missing, ''),
    numeric('redundant', words.redundant, 'from-620'),
    numeric('files', words.files, 'from-900'),
    numeric('directories', words.directories, 'from-1100'),
    ...(group ? [labelColumn(group, 'from-620')] : []),
    ...others.slice(0, 2).map((label) => labelColumn(label, 'from-1100')),
  ];
  const VERDICT = 1;

  // State: which rows, in which order, on which page

  const listOrder = Uint32Array.from({ length: count }, (_, row) => row);
  let order = listOrder;
  let sorted = { column: -1, descending: false };
  let shown = order;
  let page = 0;
  let openRow = -1;
  let focusRow = -1;
  const keys = new Map();
  const haystack = new Array(count);
  // A server without a migration task has no id, and its link is by its name in the plan.
  const kindOf = (row) => (columns.id[row] === '' ? 'server' : 'task');
  const keyOf = (row) => columns.id[row] || data.servers[row];
  const placeOf = new Map(Array.from(listOrder, (row) => [`${kindOf(row)}-${keyOf(row)}`, row]));

  function sort(column, descending) {
    sorted = { column, descending };
    order = listOrder;
    if (column >= 0) {
      if (!keys.has(column)) keys.set(column, Array.from(listOrder, (row) => table[column].value(row)));
      const values = keys.get(column);
      const sign = descending ? -1 : 1;
      order = listOrder.slice().sort((a, b) => (values[a] < values[b] ? -sign : values[a] > values[b] ? sign : a - b));
    }
    page = 0;
  }

  /** A heading sorts one way, then the other, then in the order of the list. */
  function sortBy(column) {
    const first = Boolean(table[column].descends);
    if (sorted.column !== column) sort(column, first);
    else if (sorted.descending === first) sort(column, !first);
    else sort(-1, false);
    update();
  }

  function searched(row) {
    haystack[row] ??= [
      columns.id[row], columns.server[row], columns.source_id[row], data.notes[row] ?? '', data.reasons[row] ?? '',
      ...labels.map((label) => labelOf(row, label)),
    ].join('\n').toLowerCase();
    return haystack[row];
  }

  function filter() {
    const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = verdictSelect.value;
    const member = groupSelect ? groupSelect.value : '';
    const matches = (row) =>
      (verdict === '' || (verdict === 'not-passing' ? !verdictOf(row).passes : verdictOf(row).key === verdict)) &&
      (member === '' || group.rows[row] === Number(member)) &&
      terms.every((term) => searched(row).includes(term));
    const isFiltered = terms.length > 0 || verdict !== '' || member !== '';
    shown = isFiltered ? order.filter(matches) : order;
    return isFiltered;
  }

  // The parts of the table

  const host = document.getElementById('tasks');
  const section = document.getElementById('all');
  function button(text, action, attributes) {
    const made = element('button', { type: 'button', class: 'button', ...attributes }, text);
    made.addEventListener('click', action);
    return made;
  }
  const option = (value, text) => element('option', { value }, plainText(text));
  const search = element('input', { type: 'search', placeholder: words.search, 'aria-label': words.search, autocomplete: 'off' });
  const verdictSelect = element('select', { 'aria-label': words.verdict }, option('', words.all_verdicts));
  verdictSelect.append(option('not-passing', words.not_passing));
  for (const verdict of verdicts) if (verdict.tasks > 0) verdictSelect.append(option(verdict.key, verdict.label));
  const groupSelect = group
    ? element('select', { 'aria-label': plainText(group.name) }, option('', fill(words.every_group, group.name)))
    : null;
  for (const place of data.groups) groupSelect?.append(option(place, group.values[place] || words.none));
  const copyButton = button(words.copy, copyTable);
  const resetButton = button(words.reset, () => { reset(); update(); });
  const back = button('‹', () => turn(page - 1), { 'aria-label': words.previous });
  const next = button('›', () => turn(page + 1), { 'aria-label': words.next });
  const found = element('span', { class: 'found', role: 'status' });
  const range = element('span', { class: 'range' });
  const tools = element('div', { class: 'tools' },
    search, verdictSelect, groupSelect, copyButton, resetButton, found, back, range, next);
  const head = element('tr');
  const body = element('tbody');
  const whole = element('table', { class: 'all', 'aria-labelledby': 'all-heading' }, element('thead', {}, head), body);
  const headings = table.map((column, place) => {
    const heading = element('th', { scope: 'col', class: column.classes }, button('', () => sortBy(place), { class: null }));
    heading.firstChild.append(show(column.heading));
    head.append(heading);
    return heading;
  });
  const notPrinted = element('p', { class: 'print-only' });

  function rowElement(row) {
    const made = element('tr', { class: 'row' });
    made.dataset.row = row;
    table.forEach((column, place) => {
      const cell = column.cell(row);
      made.append(place === 0
        ? element('th', { scope: 'row' }, element('button', { type: 'button', class: 'name', tabindex: '-1', 'aria-expanded': 'false' }, cell))
        : element('td', { class: column.classes }, cell));
    });
    return made;
  }

  function update(rows = PAGE_ROWS) {
    cancelAnimationFrame(due);
    due = 0;
    const isFiltered = filter();
    const pages = Math.max(1, Math.ceil(shown.length / rows));
    page = Math.min(Math.max(page, 0), pages - 1);
    const visible = shown.subarray(page * rows, (page + 1) * rows);
    body.replaceChildren(...Array.from(visible, rowElement));
    headings.forEach((heading, place) => {
      const direction = sorted.descending ? 'descending' : 'ascending';
      heading.setAttribute('aria-sort', place === sorted.column ? direction : 'none');
    });
    found.textContent = isFiltered
      ? fill(words.some_tasks, number(shown.length), number(count))
      : fill(count === 1 ? words.one_task : words.tasks, number(count));
    range.textContent = `${number(page * rows + 1)}–${number(page * rows + visible.length)} / ${number(shown.length)}`;
    back.disabled = page === 0;
    next.disabled = page === pages - 1;
    back.hidden = range.hidden = next.hidden = pages === 1;
    resetButton.hidden = !isFiltered;
    const left = shown.length - visible.length;
    notPrinted.textContent = left > 0 ? fill(words.more, number(left)) : '';
    const stop = visible.includes(focusRow) ? focusRow : visible[0];
    if (stop !== undefined) nameOf(stop).tabIndex = 0;
    if (visible.includes(openRow)) open(openRow);
    else openRow = -1;
  }

  const elementOf = (row) => body.querySelector(`tr.row[data-row="${row}"]`);
  const nameOf = (row) => elementOf(row)?.querySelector('.name');

  function turn(to) {
    page = to;
    update();
    section.scrollIntoView();
  }

  function reset() {
    search.value = '';
    verdictSelect.value = '';
    if (groupSelect) groupSelect.value = '';
    page = 0;
  }

  /** Shows the tasks of a verdict or of a group. */
  function showOnly(verdict, member) {
    reset();
    verdictSelect.value = verdict;
    if (groupSelect) groupSelect.value = member;
    update();
    section.scrollIntoView();
    search.focus({ preventScroll: true });
  }

  // Details

  let lines = null;
  let directoryNames = null;
  function detailsOf(row) {
    lines ??= document.getElementById('details').textContent.trim().split('\n');
    directoryNames ??= JSON.parse(document.getElementById('names').textContent).names;
    const details = JSON.parse(lines[row]);
    const directories = details.directories.map(([name, total, different = 0, missing = 0, redundant = 0]) =>
      [typeof name === 'number' ? directoryNames[name] : name, total, different, missing, redundant]);
    return { left_out: 0, earlier: [], ...details, directories };
  }

  function close() {
    const details = body.querySelector('tr.details');
    openRow = -1;
    if (!details) return;
    const line = details.previousSibling;
    line.classList.remove('open');
    line.querySelector('.name').setAttribute('aria-expanded', 'false');
    details.remove();
  }

  function open(row) {
    close();
    const line = elementOf(row);
    if (!line) return;
    openRow = row;
    line.classList.add('open');
    line.querySelector('.name').setAttribute('aria-expanded', 'true');
    line.after(element('tr', { class: 'details' }, element('td', { colspan: table.length }, detailsElement(row))));
  }

  const toggle = (row) => (openRow === row ? close() : open(row));

  function directoriesElement(directories) {
    const rows = directories.map(([name, ...counts]) =>
      element('tr', {}, element('td', { class: 'mono' }, show(name)), ...counts.map((value, place) =>
        element('td', { class: `number-cell ${place === 0 ? 'from-620' : value > 0 ? 'differs' : ''}` }, number(value)))));
    const heads = [words.directory, words.files, words.different, words.missing, words.redundant].map((text, place) =>
      element('th', { scope: 'col', class: ['', 'number-cell from-620'][place] ?? 'number-cell' }, text));
    return element('table', {}, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...rows));
  }

  function detailsElement(row) {
    const details = detailsOf(row);
    const left = element('div');
    const differs = ([, , ...counts]) => counts.some((value) => value > 0);
    const differing = details.directories.filter(differs);
    const clean = details.directories.filter((directory) => !differs(directory));
    if (differing.length > 0 && clean.length > FOLDED_FROM) {
      left.append(directoriesElement(differing), element('details', {},
        element('summary', {}, fill(words.clean, number(clean.length))), directoriesElement(clean)));
    } else if (details.directories.length > 0) {
      left.append(directoriesElement(details.directories));
    }
    if (details.left_out > 0) left.append(element('p', {}, fill(words.left_out, number(details.left_out))));
    if (details.earlier.length > 0) {
      const items = details.earlier.map((text) => element('li', {}, show(text)));
      left.append(element('h3', {}, words.earlier), element('ul', {}, ...items));
    }
    const list = element('dl');
    const add = (name, value) => { if (value) list.append(element('dt', {}, show(name)), element('dd', {}, value)); };
    const mono = (text) => (text ? element('span', { class: 'mono' }, show(text)) : null);
    const text = (value) => (value ? show(value) : null);
    add(words.meaning, verdictOf(row).meaning);
    add(words.reason, text(data.reasons[row]));
    add(words.id, mono(columns.id[row]));
    add(words.source_id, mono(columns.source_id[row]));
    add(words.last, time(columns.last[row]));
    for (const key of ['context', 'check_result', 'error_code', 'error_message', 'request_id', 'shape']) add(words[key], text(details[key]));
    add(words.attempts, number(details.attempts));
    for (const label of labels) add(label.name, text(labelOf(row, label)));
    add(words.notes, text(data.notes[row]));
    const link = button(words.copy_link, () => copy(location.href.split('#')[0] + linkTo(row)));
    return element('div', { class: 'details-grid' }, left, element('div', {}, list, link));
  }

  // Links and copies

  const linkTo = (row) => `#${kindOf(row)}-${encodeURIComponent(keyOf(row))}`;

  /** Opens the task that the address names. */
  function follow() {
    let key = location.hash.slice(1);
    try {
      key = decodeURIComponent(key);
    } catch {
      // An address that is not encoded: the text itself may be the id.
    }
    const row = placeOf.get(key);
    if (row === undefined) return;
    reset();
    filter();
    page = Math.floor(shown.indexOf(row) / PAGE_ROWS);
    openRow = row;
    update();
    focus(row);
    elementOf(row).scrollIntoView({ block: 'center' });
  }

  /** For pages over plain http, where the clipboard of the browser is not available. */
  function copyBySelection(text) {
    const area = element('textarea', { class: 'sr', 'aria-hidden': 'true' });
    area.value = text;
    const focused = document.activeElement;
    host.append(area);
    area.select();
    const isCopied = document.execCommand('copy');
    area.remove();
    focused?.focus();
    return isCopied;
  }

  async function copy(text) {
    let isCopied = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      isCopied = copyBySelection(text);
    }
    found.textContent = isCopied ? words.copied : words.not_copied;
  }

  /** All rows that the filters leave, for a spreadsheet: no control characters, and nothing that it would run. */
  function copyTable() {
    if (due) update();
    const clean = (text) => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ').replace(/^(?='*\s*[+\-=@])/, "'");
    const all = [
      ...table,
      ...others.slice(2).map((label) => labelColumn(label, '')),
      textual(words.reason, (row) => data.reasons[row] ?? '', ''),
      textual(words.notes, (row) => data.notes[row] ?? '', ''),
      textual(words.id, (row) => columns.id[row], ''),
    ];
    const rows = Array.from(shown, (row) => all.map((column) => clean(column.text(row))).join('\t'));
    copy([all.map((column) => clean(column.heading)).join('\t'), ...rows].join('\n'));
  }

  // Keyboard: one tab stop, arrows within the table

  function focus(row) {
    const name = nameOf(row);
    if (!name) return;
    for (const other of body.querySelectorAll('.name[tabindex="0"]')) other.tabIndex = -1;
    name.tabIndex = 0;
    name.focus();
    focusRow = row;
  }

  function moveTo(place) {
    if (place < 0 || place >= shown.length) return;
    const to = Math.floor(place / PAGE_ROWS);
    if (to !== page) {
      page = to;
      update();
    }
    focus(shown[place]);
  }

  body.addEventListener('keydown', (event) => {
    if (!event.target.classList.contains('name') || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = Number(event.target.closest('tr').dataset.row);
    const place = shown.indexOf(row);
    const actions = {
      ArrowDown: () => moveTo(place + 1),
      ArrowUp: () => moveTo(place - 1),
      ArrowRight: () => open(row),
      ArrowLeft: close,
      Home: () => moveTo(0),
      End: () => moveTo(shown.length - 1),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  });
  host.addEventListener('keydown', (event) => {
    if (event.key === '/' && event.target !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === 'ArrowDown' && event.target === search) {
      event.preventDefault();
      if (due) update();
      moveTo(page * PAGE_ROWS);
    } else if (event.key === 'Escape') {
      if (openRow >= 0 && event.target !== search) {
        const row = openRow;
        close();
        focus(row);
      } else {
        reset();
        update();
      }
    }
  });
  body.addEventListener('click', (event) => {
    const line = event.target.closest('tr.row');
    if (!line || getSelection().type === 'Range') return;
    const row = Number(line.dataset.row);
    toggle(row);
    focus(row);
  });

  // The search runs once a frame, however fast somebody types.
  let due = 0;
  const later = () => {
    cancelAnimationFrame(due);
    due = requestAnimationFrame(() => { page = 0; update(); });
  };
  search.addEventListener('input', later);
  verdictSelect.addEventListener('change', later);
  groupSelect?.addEventListener('change', later);

  // What the page has without script gets its links into the table

  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-verdict], a[data-group]');
    if (!link) return;
    event.preventDefault();
    const { verdict, group: place } = link.dataset;
    showOnly(verdict ?? '', place === undefined ? '' : String(data.groups[place]));
  });

  const failing = document.querySelector('table.failing');
  const failingRows = failing ? [...failing.tBodies[0].rows] : [];
  if (failingRows.length > FAILING_ROWS) {
    for (const row of failingRows.slice(FAILING_ROWS)) row.hidden = true;
    const total = verdicts.reduce((sum, verdict) => sum + (verdict.passes ? 0 : verdict.tasks), 0);
    const more = button(fill(words.all_failing, number(total)), () => {
      sort(VERDICT, false);
      showOnly('not-passing', '');
    });
    failing.after(element('p', { class: 'screen' }, more));
    document.getElementById('more-failing')?.remove();
  }

  let pageBefore = 0;
  addEventListener('beforeprint', () => {
    pageBefore = page;
    page = 0;
    update(PRINTED_ROWS);
  });
  addEventListener('afterprint', () => {
    page = pageBefore;
    update();
  });
  addEventListener('hashchange', follow);
  new ResizeObserver(() => {
    document.documentElement.style.setProperty('--tools-height', `${tools.offsetHeight}px`);
  }).observe(tools);

  section.classList.remove('without-script');
  document.getElementById('needs-script').remove();
  host.append(tools, whole, notPrinted, element('p', { class: 'keys' }, words.keys));
  update();
  follow();
})();
