# OnnxRuntime::onnxruntime, looked for in this order: ONNXRUNTIME_ROOT (a folder with include/ and
# lib/; its first value comes from the environment), what tools/setup put into .deps/onnxruntime,
# the system's libonnxruntime-dev.
# ONNXRUNTIME_NEEDS names libraries that must lie beside it (providers_cuda).
set(ONNXRUNTIME_ROOT "$ENV{ONNXRUNTIME_ROOT}" CACHE PATH "ONNX Runtime's folder, with include/ and lib/")
set(ONNXRUNTIME_NEEDS "" CACHE STRING "libonnxruntime_*.so that must be there too")

if(ONNXRUNTIME_ROOT)
  set(_hints HINTS ${ONNXRUNTIME_ROOT} NO_DEFAULT_PATH)
else()
  set(_hints HINTS ${CMAKE_SOURCE_DIR}/.deps/onnxruntime)
endif()
find_path(ONNXRUNTIME_INCLUDE_DIR onnxruntime_cxx_api.h
  ${_hints} PATH_SUFFIXES include include/onnxruntime onnxruntime)
find_library(ONNXRUNTIME_LIBRARY NAMES onnxruntime libonnxruntime.so.1 ${_hints} PATH_SUFFIXES lib)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OnnxRuntime
  REQUIRED_VARS ONNXRUNTIME_LIBRARY ONNXRUNTIME_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "run tools/setup, or set ONNXRUNTIME_ROOT to a folder with include/ and lib/")

if(OnnxRuntime_FOUND AND NOT TARGET OnnxRuntime::onnxruntime)
  get_filename_component(_lib_dir ${ONNXRUNTIME_LIBRARY} DIRECTORY)
  foreach(_need ${ONNXRUNTIME_NEEDS})
    if(NOT EXISTS ${_lib_dir}/libonnxruntime_${_need}.so)
      message(FATAL_ERROR "ONNX Runtime in ${_lib_dir} has no libonnxruntime_${_need}.so: "
                          "set ONNXRUNTIME_ROOT to a build that does")
    endif()
  endforeach()
  add_library(OnnxRuntime::onnxruntime SHARED IMPORTED)
  set_target_properties(OnnxRuntime::onnxruntime PROPERTIES
    IMPORTED_LOCATION ${ONNXRUNTIME_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${ONNXRUNTIME_INCLUDE_DIR})
endif()
