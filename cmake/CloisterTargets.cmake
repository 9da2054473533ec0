# Flags that every target of Cloister is built with.
add_library(cloister_flags INTERFACE)
target_compile_options(cloister_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor
  -Wno-missing-field-initializers
  # False findings of GCC 12: bug 105651, and members of temporaries that are moved from.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-maybe-uninitialized>)
target_include_directories(cloister_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_link_options(cloister_flags INTERFACE -Wl,--as-needed)
if(CLOISTER_SANITIZE)
  target_compile_options(cloister_flags INTERFACE
    -fsanitize=${CLOISTER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(cloister_flags INTERFACE -fsanitize=${CLOISTER_SANITIZE})
endif()

# cloister_library(NAME SOURCES ... LINKS ...): one folder of src/ as a static library.
function(cloister_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_library(cloister_${name} STATIC ${arg_SOURCES})
  target_link_libraries(cloister_${name} PUBLIC cloister_flags ${arg_LINKS})
endfunction()
