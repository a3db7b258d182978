'use strict'

// A program that loads aye/auto first thing, for runtimes that have other flags than Node for it.

require('../../auto.js')
require('./subject.js')
