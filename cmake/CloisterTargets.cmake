# Flags that every target of Cloister is built with.
add_library(cloister_flags INTERFACE)
target_compile_options(cloister_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor
  -Wno-missing-field-initializers
  # False findings of GCC 12: bug 105651, and members of temporaries that are moved from.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-maybe-uninitialized>)
target_include_directories(cloister_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_link_options(cloister_flags INTERFACE -Wl,--as-needed)

# Hardening; tools/check_links.py asserts it of every program. Standard containers check indices,
# returns are guarded by canaries and, where the processor can, by shadow stacks (CET).
target_compile_definitions(cloister_flags INTERFACE _GLIBCXX_ASSERTIONS)
target_compile_options(cloister_flags INTERFACE -fstack-protector-strong -fstack-clash-protection)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_compile_options(cloister_flags INTERFACE -fcf-protection)
endif()
target_link_options(cloister_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)

if(CLOISTER_SANITIZE)
  string(REPLACE "," "$<COMMA>" sanitizers "${CLOISTER_SANITIZE}")
  string(REPLACE "$<COMMA>undefined" "" of_tests "${sanitizers}")
  set(is_test $<BOOL:$<TARGET_PROPERTY:CLOISTER_ONLY_TESTS>>)
  target_compile_options(cloister_flags INTERFACE
    -fsanitize=$<IF:${is_test},${of_tests},${sanitizers}>
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(cloister_flags INTERFACE -fsanitize=${CLOISTER_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  # Without optimisation, or beside a sanitizer, it does nothing.
  target_compile_options(cloister_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()

# Linkers that take a tenth of the time of the default one.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_link_options(cloister_flags INTERFACE -fuse-ld=lld-16)
else()
  find_program(MOLD mold REQUIRED)
  target_link_options(cloister_flags INTERFACE -fuse-ld=mold)
endif()

# For targets whose compilation takes longer than they ever run. (_FORTIFY_SOURCE means nothing
# without optimisation, and warns.)
function(cloister_quickly_compiled target)
  target_compile_options(${target} PRIVATE -O0 -U_FORTIFY_SOURCE)
endfunction()

# For tests and fuzz targets: what they run is optimised and watched for undefined behaviour, they
# are not. That halves the time which the sanitizers add to their compilation.
function(cloister_only_tests target)
  cloister_quickly_compiled(${target})
  set_target_properties(${target} PROPERTIES CLOISTER_ONLY_TESTS ON)
endfunction()

# cloister_library(NAME SOURCES ... LINKS ... [ALONE ...]): one folder of src/ as a static library.
# ALONE: sources that are compiled by themselves in a unity build too. They need a shared library
# that some users of the library do without, and must not bring to these.
function(cloister_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS;ALONE" ${ARGN})
  add_library(cloister_${name} STATIC ${arg_SOURCES} ${arg_ALONE})
  set_source_files_properties(${arg_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  target_link_libraries(cloister_${name} PUBLIC cloister_flags ${arg_LINKS})
endfunction()

# cloister_shared_library(NAME EXPORTS FILE SOURCES ... LINKS ...): a library for other people's
# programs, which see what lies in include/ and the symbols that EXPORTS lists.
function(cloister_shared_library name)
  cmake_parse_arguments(arg "" "EXPORTS" "SOURCES;LINKS" ${ARGN})
  set(target cloister_${name})
  set(exports ${CMAKE_CURRENT_SOURCE_DIR}/${arg_EXPORTS})
  add_library(${target} SHARED ${arg_SOURCES})
  # Our own includes and flags are nobody else's business.
  target_link_libraries(${target} PRIVATE cloister_flags ${arg_LINKS})
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_options(${target} PRIVATE
    -Wl,--exclude-libs,ALL -Wl,--version-script,${exports})
  set_target_properties(${target} PROPERTIES
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${exports}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
endfunction()
