// Sorts the table of tasks by the column whose heading is clicked. Without script it is sorted by the program.
(() => {
  'use strict';

  const table = document.querySelector('.courses');
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const headings = Array.from(table.tHead.rows[0].cells);

  function key(row, column, kind) {
    const cell = row.cells[column];
    return kind === 'number' ? Number(cell.dataset.value) : cell.textContent.trim();
  }

  function sort(heading, column) {
    const kind = heading.dataset.sort;
    const now = heading.getAttribute('aria-sort');
    // Numbers start with the greatest, texts with the first.
    const first = kind === 'number' ? 'descending' : 'ascending';
    const order = now === first ? (first === 'ascending' ? 'descending' : 'ascending') : first;
    const sign = order === 'ascending' ? 1 : -1;
    const compare = (one, other) =>
      kind === 'number' ? one - other : one.localeCompare(other, document.documentElement.lang, { numeric: true });
    const keyed = rows.map((row, place) => ({ row, place, key: key(row, column, kind) }));
    keyed.sort((one, other) => {
      // Empty texts come last in either order.
      if (kind === 'text' && (one.key === '') !== (other.key === '')) return one.key === '' ? 1 : -1;
      return sign * compare(one.key, other.key) || one.place - other.place;
    });
    body.append(...keyed.map((entry) => entry.row));
    for (const other of headings) other.removeAttribute('aria-sort');
    heading.setAttribute('aria-sort', order);
  }

  headings.forEach((heading, column) => {
    if (!heading.dataset.sort) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...heading.childNodes);
    button.addEventListener('click', () => sort(heading, column));
    heading.append(button);
  });
})();
