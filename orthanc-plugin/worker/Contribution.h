// One question of the federation, answered from this site's cohort table.
#pragma once

#include <filesystem>

namespace fedpet::plugin {

// Reads the request in the folder and writes the answer or the reason why this site cannot take
// part. Throws std::exception for what is a fault of the program or the machine.
void answerContribution(const std::filesystem::path& exchangeFolder);

}  // namespace fedpet::plugin
