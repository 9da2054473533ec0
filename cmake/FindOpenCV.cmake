# opencv_core, opencv_imgcodecs and opencv_imgproc. OpenCV's own configuration file is taken when it
# is there; Debian ships it only in libopencv-dev, which brings every module and 600 MB, so without
# it the three libraries are looked for one by one.
find_package(OpenCV QUIET CONFIG COMPONENTS core imgcodecs imgproc)

if(NOT TARGET opencv_core)
  find_path(OPENCV_INCLUDE_DIR opencv2/imgcodecs.hpp PATH_SUFFIXES opencv4)
  foreach(_module core imgproc imgcodecs)
    find_library(OPENCV_${_module}_LIBRARY opencv_${_module})
    list(APPEND _libraries OPENCV_${_module}_LIBRARY)
  endforeach()
  include(FindPackageHandleStandardArgs)
  find_package_handle_standard_args(OpenCV
    REQUIRED_VARS ${_libraries} OPENCV_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "run tools/setup")
  foreach(_module core imgproc imgcodecs)
    add_library(opencv_${_module} SHARED IMPORTED)
    set_target_properties(opencv_${_module} PROPERTIES
      IMPORTED_LOCATION "${OPENCV_${_module}_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${OPENCV_INCLUDE_DIR}")
  endforeach()
  target_link_libraries(opencv_imgproc INTERFACE opencv_core)
  target_link_libraries(opencv_imgcodecs INTERFACE opencv_imgproc opencv_core)
  set(OpenCV_LIBS opencv_core opencv_imgproc opencv_imgcodecs)
  set(OpenCV_INCLUDE_DIRS "${OPENCV_INCLUDE_DIR}")
endif()
