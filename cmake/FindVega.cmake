# VEGA_FILES: what draws a report's charts, put into .deps/vega by tools/setup.
set(VEGA_ROOT ${CMAKE_SOURCE_DIR}/.deps/vega CACHE PATH "vega, vega-lite and vega-interpreter")
find_file(VEGA_JS vega.min.js PATHS ${VEGA_ROOT}/vega/build NO_DEFAULT_PATH)
find_file(VEGA_LITE_JS vega-lite.min.js PATHS ${VEGA_ROOT}/vega-lite/build NO_DEFAULT_PATH)
find_file(VEGA_INTERPRETER_JS vega-interpreter.js
  PATHS ${VEGA_ROOT}/vega-interpreter/build NO_DEFAULT_PATH)
find_file(VEGA_LICENSE LICENSE PATHS ${VEGA_ROOT}/vega NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Vega
  REQUIRED_VARS VEGA_JS VEGA_LITE_JS VEGA_INTERPRETER_JS VEGA_LICENSE
  REASON_FAILURE_MESSAGE "run tools/setup")

# The interpreter comes as a module; here it is made the body of a function of `vega`.
if(Vega_FOUND)
  file(READ ${VEGA_INTERPRETER_JS} _text)
  set(_import "import { ascending, isString, DisallowedObjectProperties } from 'vega-util';")
  set(_export "export { expression as expressionInterpreter };")
  foreach(_line IN ITEMS "${_import}" "${_export}")
    string(FIND "${_text}" "${_line}" _at)
    if(_at EQUAL -1)
      message(FATAL_ERROR "${VEGA_INTERPRETER_JS} has no line '${_line}': another version?")
    endif()
  endforeach()
  string(REPLACE "${_import}"
    "(function () {\nconst { ascending, isString, DisallowedObjectProperties } = vega;" _text
    "${_text}")
  string(REPLACE "${_export}" "vega.expressionInterpreter = expression;\n})();" _text "${_text}")
  string(REGEX REPLACE "//# sourceMappingURL=[^\n]*\n?" "" _text "${_text}")
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/vega-interpreter.js CONTENT "${_text}" @ONLY)
  set(VEGA_FILES ${VEGA_JS} ${VEGA_LITE_JS} ${CMAKE_BINARY_DIR}/generated/vega-interpreter.js)
endif()
