// HTML check: X.html in a browser, as people use it.
//
//     node tests/acceptance/html_check.mjs PROGRAM [FOLDER]
//
// Needs Chromium, pdftotext, and the npm packages playwright-core and axe-core in FOLDER (default: target/ci/npm).
// Prints a line for each check and exits 1 if any failed.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [program, folder] = [process.argv[2], process.argv[3] ?? 'target/ci/npm'].map((path) => resolve(path));
const packages = createRequire(join(folder, 'package.json'));
const { chromium } = packages('playwright-core');
const axe = readFileSync(packages.resolve('axe-core/axe.min.js'), 'utf8');
const work = mkdtempSync(join(tmpdir(), 'html-check-'));
const LARGE = 10_000;
const HOSTILE = [
  '<img src=x onerror=alert(1)>', '</script><script>alert(1)</script>', '<!--<script>', '</style><script>alert(1)</script>',
  '" onmouseover="alert(1)', "' autofocus onfocus='alert(1)", ']]><svg/onload=alert(1)>', 'javascript:alert(1)',
  'invoice\u202egpj.exe', '{{constructor.constructor("alert(1)")()}}', '=HYPERLINK("http://x.example","y")', '&lt;b&gt;',
  'x'.repeat(250), '%3Cscript%3E #?&/', '\u{1f525} 服务器\u200b', '__proto__',
];

let failures = 0;
function check(name, holds, detail = '') {
  if (!holds) failures += 1;
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${name}${holds ? '' : `: ${typeof detail === 'string' ? detail : JSON.stringify(detail)}`}`);
}

// Journals and pages

const run = (...options) => execFileSync(program, ['-q', ...options], { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] });

/** Writes a journal of tasks, each with a list of directory rows or an error. */
function journal(name, labels, tasks) {
  const started = '2026-11-21T01:42:00Z';
  const list = { labels, tasks: tasks.map(({ task }) => task) };
  const header = { journal_format: 1, tool: 'check', started_at: started, endpoint: 'https://sms.example', account: {}, list };
  const records = tasks.map(({ task, directories }, ordinal) => {
    const checks = directories.map(([dir_check, num_total_files, num_different_files]) => ({
      dir_check, num_total_files, num_different_files, num_target_miss_files: 0, num_target_more_files: 0,
    }));
    const finished_time = Date.parse(started) - 3600_000 - ordinal * 1000;
    const body = JSON.stringify({ result_list: checks.length ? [{ finished_time, check_result: 'success', consistency_result: checks }] : [] });
    return { ordinal, task_id: task.task_id, fetched_at: started, attempts: 1, status: 200, sample_data: false, body };
  });
  const lines = [header, ...records, { finished_at: '2026-11-21T01:50:00Z', recorded: tasks.length }];
  writeFileSync(join(work, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

run('export', resolve('samples/tasks.csv'), '--endpoint', 'embedded', '--rate', '1000/s', '-o', 'sample.html');
run('render', 'sample.journal.jsonl', '--language', 'zh', '-o', 'zh.html');
journal('hostile.jsonl', ['wave', ...HOSTILE.slice(0, 2)], HOSTILE.map((text, n) => ({
  task: { task_id: `${n} ${text}`, source_id: text, source_name: text, labels: { wave: text, [HOSTILE[0]]: text } },
  directories: [[text, 10, n % 2], ...Array.from({ length: 10 }, (_, place) => [`/clean/${place}`, 5, 0])],
})));
run('render', 'hostile.jsonl', '-o', 'hostile.html');
journal('large.jsonl', ['wave', 'owner'], Array.from({ length: LARGE }, (_, n) => ({
  task: { task_id: `task-${n}`, source_name: `web-${n}`, labels: { wave: `wave ${n % 12}`, owner: n % 2 ? 'data' : 'shop' } },
  directories: n % 17 === 3 ? [] : [['/var/www', 1000 + n, n % 16 ? 0 : n], ['/etc', 10, 0]],
})));
run('render', 'large.jsonl', '--max-age', 'off', '-o', 'large.html');

// The browser

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const requests = [];
const problems = [];
async function open(address, options = {}) {
  const { hash = '', ...context } = options;
  const made = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...context });
  const page = await made.newPage();
  page.on('request', (request) => requests.push(request.url()));
  page.on('dialog', (dialog) => { problems.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => { if (message.type() === 'error') problems.push(message.text()); });
  const url = address.startsWith('http') ? address : pathToFileURL(join(work, address)).href;
  await page.goto(url + hash);
  return page;
}
const close = (page) => page.context().close();
const names = (page) => page.locator('tr.row .name').allInnerTexts();
const found = (page) => page.locator('.found').innerText();
const frame = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
async function accessible(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  check(`${name}: axe finds nothing`, violations.length === 0, violations.map(({ id, nodes }) => `${id} ${nodes[0].html}`));
}

async function fits(page, name) {
  const [content, viewport] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  check(`${name}: no sideways scrolling`, content <= viewport, `the content is ${content} px wide, the window ${viewport} px`);
}

let page = await open('sample.html', { javaScriptEnabled: false });
let text = await page.locator('body').innerText();
for (const part of ['SAMPLE DATA', 'NOT READY', 'of 12 tasks do not pass', 'db-orders-01', '412 different', 'By wave', 'By default, SMS compares', 'needs JavaScript']) {
  check(`without script: ${part}`, text.includes(part), text);
}
await close(page);

page = await open('sample.html');
check('12 tasks in list order', (await names(page))[0] === 'web-prod-01' && (await names(page)).length === 12, await names(page));
await accessible(page, 'light');
const different = page.getByRole('columnheader', { name: 'Different' });
await different.getByRole('button').click();
check('sort: largest first', (await names(page))[0] === 'db-orders-01' && (await different.getAttribute('aria-sort')) === 'descending');
await different.getByRole('button').click();
check('sort: smallest first', (await different.getAttribute('aria-sort')) === 'ascending' && (await names(page)).at(-1) === 'db-orders-01');
await different.getByRole('button').click();
check('sort: list order again', (await different.getAttribute('aria-sort')) === 'none' && (await names(page))[0] === 'web-prod-01');
await page.getByRole('combobox', { name: 'Verdict' }).selectOption('inconsistent');
await frame(page);
check('filter by verdict', (await names(page)).join() === 'db-orders-01,log-archive-01', await names(page));
await page.getByRole('combobox', { name: 'wave' }).selectOption({ label: '2' });
await frame(page);
check('filter by group too', (await names(page)).join() === 'db-orders-01' && (await found(page)) === '1 of 12 tasks', await found(page));
await page.getByRole('button', { name: 'Reset' }).click();
check('filters are cleared', (await names(page)).length === 12);
await page.locator('ul.counts a', { hasText: 'Stale' }).click();
check('a count shows its tasks', (await names(page)).join() === 'erp-legacy-01', await names(page));
await page.locator('table.groups a', { hasText: '1' }).click();
check('a group shows its tasks', (await names(page)).join() === 'web-prod-01,web-prod-02,app-orders-01', await names(page));

await page.keyboard.press('Escape');
check('Escape clears the filters', (await names(page)).length === 12);
await page.locator('tr.row .name').first().focus();
await page.keyboard.press('/');
await page.keyboard.type('ORDERS db');
await page.keyboard.press('ArrowDown');
const focused = () => page.evaluate(() => document.activeElement.innerText);
check('search, then the first row', (await focused()) === 'db-orders-01', [await focused(), await names(page)]);
await page.keyboard.press('ArrowDown');
check('arrow to the next row', (await focused()) === 'db-orders-02', await focused());
await page.keyboard.press('Home');
await page.keyboard.press('ArrowRight');
text = await page.locator('tr.details').innerText();
check('details of a task', text.includes('/var/lib/pgsql') && text.includes('412 different, 6 missing'), text);
check('the row is expanded', (await page.locator('.name[aria-expanded="true"]').innerText()) === 'db-orders-01');
await accessible(page, 'details');
await page.keyboard.press('Escape');
check('Escape closes the details', (await page.locator('tr.details').count()) === 0 && (await focused()) === 'db-orders-01');
await page.keyboard.press('Enter');
check('Enter opens them', (await page.locator('tr.details').count()) === 1);
check('one tab stop', (await page.locator('tr.row [tabindex="0"]').count()) === 1);
await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
await page.getByRole('button', { name: 'Copy as TSV' }).click();
await page.waitForFunction(() => document.querySelector('.found').textContent === 'copied');
const copied = (await page.evaluate(() => navigator.clipboard.readText())).split('\n');
check('TSV of the filtered rows', copied.length === 3 && copied[0].startsWith('Source server\tVerdict\t') && copied[1].startsWith('db-orders-01\tInconsistent\t'), copied);

await page.pdf({ path: join(work, 'sample.pdf'), preferCSSPageSize: true });
const pdf = (first, last) => execFileSync('pdftotext', ['-layout', '-f', first, '-l', last, join(work, 'sample.pdf'), '-']).toString();
const [one, two] = [pdf('1', '1'), pdf('2', '9')];
for (const part of ['NOT READY', 'SAMPLE DATA', 'mail-relay-01', 'file-share-01', 'SHA-256', 'page 1 of 2']) check(`page one: ${part}`, one.includes(part), one);
check('page two: the tasks that the filters leave', two.includes('db-orders-02') && !two.includes('Search'), two);
await close(page);

page = await open('sample.html', { hash: '#task-3a57d2f8-e01c-4b69-86d4-19c8b7a0f304' });
check('a link opens its task', (await page.locator('tr.details').innerText()).includes('/var/lib/pgsql') && (await page.evaluate(() => document.activeElement.innerText)) === 'db-orders-01');
await page.locator('table.failing a', { hasText: 'erp-legacy-01' }).click();
await page.waitForFunction(() => document.querySelector('tr.details')?.innerText.includes('erp') || document.activeElement.innerText === 'erp-legacy-01');
check('a task that does not pass leads to its row', (await page.locator('.name[aria-expanded="true"]').innerText()) === 'erp-legacy-01');
await close(page);

page = await open('sample.html', { colorScheme: 'dark' });
check('dark', (await page.evaluate(() => getComputedStyle(document.body).backgroundColor)) === 'rgb(18, 23, 29)');
await accessible(page, 'dark');
await close(page);
page = await open('sample.html', { viewport: { width: 390, height: 844 } });
await fits(page, 'phone');
await accessible(page, 'phone');
await close(page);
page = await open('zh.html');
text = await page.locator('body').innerText();
check('Chinese', ['不具备割接条件', '示例数据', '全部任务', '不一致'].every((part) => text.includes(part)) && (await page.evaluate(() => document.documentElement.lang)) === 'zh-CN', text);
await accessible(page, 'Chinese');
await close(page);

page = await open('hostile.html');
check('hostile names: shown as text', (await names(page))[0] === HOSTILE[0] && (await names(page))[8] === 'invoiceU+202Egpj.exe', await names(page));
check('hostile names: no element of theirs', (await page.locator('img, iframe, object, svg[onload], [onerror], [onmouseover], [autofocus]').count()) === 0);
for (const [n, text] of HOSTILE.entries()) {
  await page.evaluate((hash) => { location.hash = hash; }, `#task-${encodeURIComponent(`${n} ${text}`)}`);
  await page.waitForFunction((row) => document.querySelector('tr.row.open')?.dataset.row === String(row), n);
}
check('hostile names: every link opens its task', true);
for (const width of [1440, 1100, 900]) {
  await page.setViewportSize({ width, height: 900 });
  await fits(page, `hostile names, ${width} px`);
}
await page.setViewportSize({ width: 390, height: 844 });
await fits(page, 'hostile names, phone');
await accessible(page, 'hostile names');
await close(page);

const begun = performance.now();
page = await open('large.html');
await frame(page);
console.log(`     ${LARGE} tasks: ready in ${Math.round(performance.now() - begun)} ms`);
check('large: a window of the rows', (await names(page)).length === 100);
check('large: 20 rows of the tasks that do not pass, and a way to all', (await page.locator('table.failing tbody tr:visible').count()) === 20);
await page.getByRole('button', { name: /^Show all/ }).click();
check('large: all that do not pass, worst first', (await page.locator('tr.row').first().innerText()).includes('Not verified') && (await found(page)).endsWith(' of 10,000 tasks'), await found(page));
await page.keyboard.press('Escape');
await page.getByRole('button', { name: 'Next page' }).click();
check('large: the next page', (await names(page)).length === 100 && !(await names(page)).includes('web-0'));
await page.getByRole('searchbox').fill('web-9999');
await frame(page);
check('large: search', (await names(page)).join() === 'web-9999', await names(page));
await page.evaluate(() => { location.hash = '#task-task-5000'; });
await page.waitForFunction(() => document.activeElement.innerText === 'web-5000');
check('large: a link turns the page', (await page.locator('.range').innerText()).includes('/ 10,000') && (await found(page)) === '10,000 tasks');
await close(page);

check('no request but for the pages', requests.every((url) => /^file:.*\.html(#|$)/.test(url)), requests);
check('no error, no dialog', problems.length === 0, problems);

// Behind a server that forbids scripts and styles, as Jenkins does.
const server = createServer((_, response) => {
  response.setHeader('Content-Type', 'text/html');
  response.setHeader('Content-Security-Policy', "sandbox; default-src 'none'");
  response.end(readFileSync(join(work, 'sample.html')));
}).listen(0, '127.0.0.1');
await new Promise((listening) => server.on('listening', listening));
page = await open(`http://127.0.0.1:${server.address().port}/`);
text = await page.locator('body').innerText();
check('sandbox: it reads', text.includes('NOT READY') && text.includes('db-orders-01') && text.includes('needs JavaScript'), text);
const shapes = await page.locator('svg.shape').first().boundingBox();
check('sandbox: shapes have their size', shapes.width === 10 && shapes.height === 10, shapes);
await close(page);
server.close();

await browser.close();
rmSync(work, { recursive: true });
console.log(failures === 0 ? 'the page does what it should' : `${failures} checks failed`);
process.exit(failures === 0 ? 0 : 1);
