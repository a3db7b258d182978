// Opens every report of a folder in a headless Chromium and holds it to what a report is: silent, self-contained, readable
// at any width, in the light, in the dark and on paper, and true to its figures. NAME.expected beside a page says where the
// bars are. Scripts are switched off.
//
// usage: node check.js BROWSER FOLDER      screenshots are written into the folder, too
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Browser, Tab } from './browser.js'
import * as inside from './inside.js'

const WIDTHS = [400, 800, 1600, 2000]
// A4 without its margins of 14 mm, at 96 pixels to the inch.
const PAPER = 688
const SCHEMES = ['light', 'dark']
const CONTRAST = 4.5
const PIXELS = 1.5

const [binary, folder] = process.argv.slice(2)
const counted = { passed: 0, failed: 0 }

function check(name, wrong) {
  const fine = wrong.length === 0
  counted[fine ? 'passed' : 'failed']++
  console.log(`${fine ? 'ok' : 'not ok'} ${name}`)
  for (const line of wrong.slice(0, 12)) console.log(`  # ${line}`)
}

// NAME.expected: unit, classes of the bar, from and to in milliseconds; the first line has how long the run took, and
// how many milliseconds its figures may be wrong. Several
// classes are those of bars that follow one another without a gap and are taken as one.
function expectedOf(path) {
  const [total, ...lines] = readFileSync(path, 'utf8').trim().split('\n').map(line => line.split('\t'))
  const bars = lines.map(([unit, name, from, to]) => ({ unit, name, from: Number(from), to: Number(to) }))
  return { slack: Number(total[2]), total: Number(total[3]), bars }
}

function misplaced(rows, { slack, total, bars }) {
  const wrong = []
  const names = new Set(bars.map(bar => bar.unit))
  for (const name of names) {
    const wanted = bars.filter(bar => bar.unit === name)
    const mine = rows.filter(row => row.unit === name)
    const drawn = joined(mine.flatMap(row => row.bars.map(bar => ({ ...bar, width: row.width }))), wanted)
    if (drawn.length !== wanted.length) wrong.push(`${name} has ${drawn.length} bars, not ${wanted.length}`)
    wanted.forEach((bar, index) => wrong.push(...off(name, drawn[index], bar, slack, total)))
  }
  return names.size ? wrong : ['nothing is expected']
}

function joined(drawn, wanted) {
  const bars = []
  for (const bar of drawn) {
    const last = bars.at(-1)
    const together = last && wanted.some(({ name }) => name.includes(last.name[0]) && name.includes(bar.name))
    if (together) Object.assign(last, { name: last.name + bar.name, right: bar.right })
    else bars.push({ ...bar })
  }
  return bars
}

function off(unit, drawn, { name, from, to }, slack, total) {
  if (!drawn) return []
  const [left, right] = [from, to].map(time => time / total * drawn.width)
  const near = (a, b) => Math.abs(a - b) <= PIXELS + slack / total * drawn.width
  const known = [...drawn.name].every(letter => name.includes(letter))
  const fits = known && near(drawn.left, left) && near(drawn.right, right)
  const told = ({ name, left, right }) => `${name} ${left.toFixed(1)} to ${right.toFixed(1)} px`
  return fits ? [] : [`${unit}: ${told(drawn)}, expected ${told({ name, left, right })}`]
}

async function looks(tab, name, picture) {
  await tab.scheme('light')
  for (const width of WIDTHS) {
    await tab.resize(width)
    check(`${name}: nothing sticks out at ${width} px`, await tab.ask(inside.overflowing))
  }
  for (const scheme of SCHEMES) {
    await tab.scheme(scheme)
    check(`${name}: every text has a contrast of ${CONTRAST} in the ${scheme}`, await tab.ask(inside.faint, CONTRAST))
    for (const width of [400, 1280]) {
      await tab.resize(width)
      writeFileSync(`${picture}-${width}-${scheme}.png`, await tab.screenshot())
    }
  }
}

async function prints(tab, name, picture) {
  await tab.scheme('dark', 'print')
  const { light, closed, hidden } = await tab.ask(inside.printed)
  await tab.resize(PAPER)
  check(`${name}: nothing sticks out on paper`, await tab.ask(inside.overflowing, true))
  check(`${name}: paper is light`, light > 0.95 ? [] : [`its lightness is ${light}`])
  check(`${name}: what is folded is printed`, closed && !hidden ? [] : [`${hidden} of ${closed} are hidden`])
  const pdf = await tab.pdf()
  writeFileSync(`${picture}.pdf`, pdf)
  const pages = pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0
  check(`${name}: it has pages on paper (${pages})`, pages > 0 ? [] : ['the PDF has none'])
}

async function press(tab, key) {
  const code = { Tab: 9, Enter: 13 }[key]
  const text = key === 'Enter' ? '\r' : undefined
  await tab.send('Input.dispatchKeyEvent', { type: 'keyDown', key, code: key, windowsVirtualKeyCode: code, text })
  await tab.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code: key, windowsVirtualKeyCode: code })
}

// Tab to the first thing that folds, and Enter folds or unfolds it, without a script.
async function keyboard(tab, name) {
  const wrong = []
  let focus
  for (let steps = 0; steps < 200; steps++) {
    await press(tab, 'Tab')
    focus = await tab.ask(inside.focused)
    if (focus.name === 'BODY.') break
    if (!focus.visible) wrong.push(`nobody sees the focus on ${focus.name}`)
    if (focus.name.startsWith('SUMMARY')) break
  }
  if (!focus.name.startsWith('SUMMARY')) wrong.push('Tab comes to nothing that unfolds')
  await press(tab, 'Enter')
  if ((await tab.ask(inside.focused)).open === focus.open) wrong.push('Enter folds and unfolds nothing')
  check(`${name}: the keyboard gets everywhere`, wrong)
}

async function page(browser, file) {
  const name = basename(file, '.html')
  const picture = join(folder, name)
  const tab = await Tab.open(browser)
  await tab.send('Emulation.setScriptExecutionDisabled', { value: true })
  await tab.resize(1280)
  await tab.scheme('light')
  const address = pathToFileURL(join(folder, file)).href
  await tab.go(address)
  check(`${name}: nothing is missing for those who hear it`, await tab.ask(inside.unsaid))
  await keyboard(tab, name)
  await tab.go(address)
  await prints(tab, name, picture)
  await looks(tab, name, picture)
  await tab.ask(inside.unfold)
  for (const scheme of SCHEMES) {
    await tab.scheme(scheme)
    check(`${name}: so has every folded text in the ${scheme}`, await tab.ask(inside.faint, CONTRAST))
  }
  await bars(tab, name, `${picture}.expected`)
  const others = tab.requests.filter(url => url !== address)
  check(`${name}: it asks nobody for anything`, tab.requests.length ? others : ['not even the page was asked for'])
  check(`${name}: the console is silent`, tab.said)
  await tab.close()
}

async function bars(tab, name, path) {
  if (!existsSync(path)) return
  const expected = expectedOf(path)
  for (const width of WIDTHS) {
    await tab.resize(width)
    const wrong = misplaced(await tab.ask(inside.bars), expected)
    check(`${name}: ${expected.bars.length} bars are where the figures are at ${width} px`, wrong)
  }
}

const profile = mkdtempSync(join(tmpdir(), 'aye-page-'))
const browser = new Browser(binary, profile)
try {
  const files = readdirSync(folder).filter(file => file.endsWith('.html')).sort()
  if (!files.length) throw new Error(`found no page in ${folder}`)
  for (const file of files) await page(browser, file)
} catch (error) {
  check('the browser does what it is asked to', [error.stack])
} finally {
  await browser.close()
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
}
console.log(`${counted.passed} passed, ${counted.failed} failed`)
process.exitCode = counted.failed ? 1 : 0
