// `aye/auto` is loaded for what it does: `node --import aye/auto app.js`, `node -r aye/auto app.js`, or first thing in
// a program. It exports nothing. Environment: `AYE_READY_ON` (a port, or the path of a socket: the server whose
// listening is READY=1, by default the first), `AYE_DIAGNOSE=1` (see `watchdog.start`).

export {}
