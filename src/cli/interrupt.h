// Ctrl-C and SIGTERM as a question that long work asks between its steps.
#pragma once

namespace cloister {

// From now on SIGINT and SIGTERM only set a flag. A second signal of the same kind ends the program
// as if nothing had been watched. Call it once, before threads are made.
void watch_interrupts();

// Whether a signal has come. Async-signal-safe, thread-safe.
bool interrupted();

// What a program that stopped for it exits with, as shells do: 130 after SIGINT, 143 after SIGTERM.
int interrupt_exit_code();

}  // namespace cloister
