# cloister_embed(TARGET HEADER NAME=FILE ...): files as constants of the program. `HEADER`, to be
# included as "HEADER", declares `std::string_view asset_NAME()` for each.
function(cloister_embed target header)
  set(folder ${CMAKE_BINARY_DIR}/generated)
  set(declarations "")
  set(definitions "")
  set(files "")
  foreach(pair ${ARGN})
    string(REGEX MATCH "^([^=]+)=(.+)$" _ "${pair}")
    set(name ${CMAKE_MATCH_1})
    get_filename_component(file ${CMAKE_MATCH_2} ABSOLUTE)
    list(APPEND files ${file})
    string(APPEND declarations "std::string_view asset_${name}();\n")
    # The assembler reads the file: no compiler has to go through a literal of its size.
    string(APPEND definitions "
asm(\".pushsection .rodata\\n\"
    \".balign 16\\n\"
    \"cloister_asset_${name}:\\n\"
    \".incbin \\\"${file}\\\"\\n\"
    \"cloister_asset_${name}_end:\\n\"
    \".byte 0\\n\"
    \".popsection\\n\");
extern const char asset_${name}_begin[] asm(\"cloister_asset_${name}\");
extern const char asset_${name}_end[] asm(\"cloister_asset_${name}_end\");
namespace cloister {
std::string_view asset_${name}() { return {asset_${name}_begin, asset_${name}_end}; }
}  // namespace cloister
")
  endforeach()
  file(CONFIGURE OUTPUT ${folder}/${header} @ONLY CONTENT
    "#pragma once\n#include <string_view>\nnamespace cloister {\n${declarations}}\n")
  file(CONFIGURE OUTPUT ${folder}/${header}.cpp @ONLY CONTENT
    "#include \"${header}\"\n${definitions}")
  set_source_files_properties(${folder}/${header}.cpp PROPERTIES OBJECT_DEPENDS "${files}")
  target_sources(${target} PRIVATE ${folder}/${header}.cpp)
  target_include_directories(${target} PRIVATE ${folder})
endfunction()
