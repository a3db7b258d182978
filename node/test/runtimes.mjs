// Runs the same tests on every runtime: `node node/test/runtimes.mjs [NAME...]`; without arguments on all but the rare
// ones, which have to be named or `--all`. `--list` names them, `--table` prints what each can do in Markdown, as
// node/README.md has it. See runtimes/table.mjs.

import { availableParallelism } from 'node:os'

import { markdown } from './runtimes/markdown.mjs'
import { runsOf } from './runtimes/run.mjs'
import { runtimes } from './runtimes/table.mjs'

function find(name) {
  const found = runtimes.find((one) => one.name === name || one.name === `node${name}`)
  if (!found) throw new Error(`no runtime is called '${name}': use ${runtimes.map((one) => one.name).join(', ')}`)
  return found
}

/** As many at a time as there are processors, the slow ones first; their lines come in the order of the table. */
async function all(runs) {
  const turn = turns(availableParallelism())
  const results = new Map([...runs].sort((a, b) => b.slow - a.slow).map((one) => [one, turn(one.run)]))
  const failures = []
  for (const one of runs) {
    const { line, passed, output } = await results.get(one)
    if (!passed) process.stdout.write(output)
    console.log(line)
    if (!passed) failures.push([line, ...blame(output)])
  }
  if (failures.length > 0) {
    console.log(`\nwhat failed:\n${failures.flat().join('\n')}`)
    process.exitCode = 1
  }
}

/** What failed in a run, at the end of all: a log is long, and often only its end is seen. */
function blame(output) {
  const lines = output.split('\n').map((line) => line.trim())
  const failed = lines.filter((line) => /^(not ok |error: |# ended by )/.test(line))
  return (failed.length > 0 ? failed : lines.slice(-5)).slice(0, 20).map((line) => `  ${line}`)
}

/** Calls what it is given, at most `free` at a time. */
function turns(free) {
  const waiting = []
  return async (work) => {
    if (free > 0) free--
    else await new Promise((resolve) => waiting.push(resolve))
    const result = await work()
    if (waiting.length > 0) waiting.shift()()
    else free++
    return result
  }
}

try {
  const words = process.argv.slice(2)
  if (words[0] === '--table') process.stdout.write(markdown())
  else if (words[0] === '--list') console.log(runtimes.map((one) => one.name).join('\n'))
  else if (words[0] === '--all') await all(runtimes.flatMap(runsOf))
  else await all((words.length > 0 ? words.map(find) : runtimes.filter(({ rare }) => !rare)).flatMap(runsOf))
} catch (error) {
  console.error(`runtimes: ${error.message}`)
  process.exitCode = 1
}
