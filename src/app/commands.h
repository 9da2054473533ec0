// The subcommands of `cloister`, one file each (cmd_NAME.cpp).
#pragma once

#include "cli/program.h"

namespace cloister {

// Adds the subcommand to `app`; when the user chose it, its callback runs it and sets `outcome`.
using AddCommand = void (*)(CLI::App& app, Outcome& outcome);

void add_bundle_command(CLI::App& app, Outcome& outcome);
void add_demo_command(CLI::App& app, Outcome& outcome);
void add_endorsements_command(CLI::App& app, Outcome& outcome);
void add_infer_command(CLI::App& app, Outcome& outcome);
void add_inspect_command(CLI::App& app, Outcome& outcome);
void add_keygen_command(CLI::App& app, Outcome& outcome);
void add_plan_command(CLI::App& app, Outcome& outcome);
void add_proxy_command(CLI::App& app, Outcome& outcome);
void add_report_command(CLI::App& app, Outcome& outcome);
void add_run_command(CLI::App& app, Outcome& outcome);
void add_seal_command(CLI::App& app, Outcome& outcome);
void add_split_command(CLI::App& app, Outcome& outcome);
void add_unseal_command(CLI::App& app, Outcome& outcome);
void add_verify_command(CLI::App& app, Outcome& outcome);
void add_zoo_command(CLI::App& app, Outcome& outcome);

}  // namespace cloister
