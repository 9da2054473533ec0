# LibTorch::libtorch: 1.13 or any 2.x, Debian's libtorch-dev or an unpacked archive of pytorch.org
# (its folder in CMAKE_PREFIX_PATH or Torch_DIR).
find_package(Torch QUIET CONFIG)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS TORCH_LIBRARIES
  REASON_FAILURE_MESSAGE "run tools/setup, set Torch_DIR, or configure with -DCLOISTER_TORCH=OFF")

if(LibTorch_FOUND AND NOT TARGET LibTorch::libtorch)
  add_library(LibTorch::libtorch INTERFACE IMPORTED)
  # As system headers: their warnings are not ours. TORCH_CXX_FLAGS holds the ABI.
  target_include_directories(LibTorch::libtorch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
  separate_arguments(_flags UNIX_COMMAND "${TORCH_CXX_FLAGS}")
  target_compile_options(LibTorch::libtorch INTERFACE ${_flags})
  target_link_libraries(LibTorch::libtorch INTERFACE ${TORCH_LIBRARIES})
endif()
