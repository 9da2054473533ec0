// What a policy asks of an SEV-SNP report: steps 10 on of snp.cpp.
#pragma once

#include "attest/snp/report.h"
#include "attest/snp/snp.h"

namespace cloister::attest {

// "bootloader 4, tee 0, snp 24, microcode 217"
std::string tcb_text(const SnpTcb& tcb, SnpProduct product);

// Judges "snp.report_data" and what follows it. TCBs need claims.snp->product.
void judge_snp_policy(Context& context, const SnpQuestion& question, const SnpReport& report);

}  // namespace cloister::attest
