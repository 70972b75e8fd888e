# Linked by our own targets only, so that people who build us as a dependency are not stopped.
add_library(fedpet_warnings INTERFACE)
target_compile_options(fedpet_warnings INTERFACE -Wall -Wextra -Wshadow -Wconversion
                                                 -Wno-sign-conversion)
if(FEDPET_SANITIZE)
  # GCC 12 takes std::regex's own states for uninitialised once they are instrumented.
  target_compile_options(fedpet_warnings INTERFACE -Wno-maybe-uninitialized)
endif()
if(FEDPET_WARNINGS_AS_ERRORS)
  target_compile_options(fedpet_warnings INTERFACE -Werror)
endif()
