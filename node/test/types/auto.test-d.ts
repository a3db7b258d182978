// The types of `aye/auto`: there is something to import, and nothing in it.

import 'aye/auto'
import * as auto from 'aye/auto'
import { expectError, expectType } from 'tsd'

expectType<{}>(auto)
expectError(auto.ready)
