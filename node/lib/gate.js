'use strict'

// Health gates: functions that must all pass for a heartbeat to go out. One that is still pending is not asked again,
// so that nothing ever overlaps, and what holds heartbeats back is said once until they go out again.

const { describe } = require('./argument.js')

/** @param {(text: string) => void} warn */
function create(warn) {
  const gates = new Set()
  // Also those of a watchdog that was stopped meanwhile.
  const pending = new Set()
  let held = false

  function hold(problem) {
    if (!held) warn(`${problem}; heartbeats are held back until every gate passes`)
    held = true
  }

  async function ask(gate, name) {
    pending.add(gate)
    try {
      return await gate() === false ? `${name} gave false` : null
    } catch (error) {
      return `${name} failed: ${error?.message ?? describe(error)}`
    } finally {
      pending.delete(gate)
    }
  }

  /** Asks every gate at once; `pass` is called when all have passed. */
  async function round(pass) {
    const asked = [...gates]
    const late = asked.findIndex((gate) => pending.has(gate))
    if (late >= 0) return hold(`${nameOf(asked[late], late)} is still pending`)
    const problems = await Promise.all(asked.map((gate, at) => ask(gate, nameOf(gate, at))))
    const problem = problems.find((one) => one !== null)
    if (problem !== undefined) return hold(problem)
    held = false
    pass()
  }

  return { add: (more) => more.forEach((gate) => gates.add(gate)), clear: () => gates.clear(), round }
}

function nameOf({ name }, at) {
  return name === '' ? `gate ${at + 1}` : `gate ${name}`
}

/** @throws {TypeError} unless it is an array of functions */
function check(gates) {
  if (!Array.isArray(gates)) throw new TypeError(`watchdog.start takes its gates as an array, not ${describe(gates)}`)
  const wrong = gates.find((gate) => typeof gate !== 'function')
  if (gates.length > 0 && !gates.every((gate) => typeof gate === 'function')) {
    throw new TypeError(`a gate of watchdog.start is a function, not ${describe(wrong)}`)
  }
  return gates
}

module.exports = { create, check }
