# Onnx::proto: the ONNX message types of libonnx-dev, on protobuf. The rest of libonnx (checker,
# shape inference) is not linked.
find_path(ONNX_INCLUDE_DIR onnx/onnx-ml.pb.h)
find_library(ONNX_PROTO_LIBRARY onnx_proto)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Onnx REQUIRED_VARS ONNX_PROTO_LIBRARY ONNX_INCLUDE_DIR)

if(Onnx_FOUND AND NOT TARGET Onnx::proto)
  add_library(Onnx::proto INTERFACE IMPORTED)
  target_include_directories(Onnx::proto SYSTEM INTERFACE ${ONNX_INCLUDE_DIR})
  target_compile_definitions(Onnx::proto INTERFACE ONNX_ML=1 ONNX_NAMESPACE=onnx)
  target_link_libraries(Onnx::proto INTERFACE ${ONNX_PROTO_LIBRARY} protobuf::libprotobuf)
endif()
